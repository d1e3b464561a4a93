"""What the run said about the account itself: its resources, its clock, and whom it lets in."""
from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from alarms import datapoints
from checks import Section
from context import MODEL, Context
from kept_account import KEY, REGION

COVERAGE = Path(__file__).resolve().parents[1] / "local" / "coverage.json"


def check(section: Section, context: Context) -> None:
    report = context.report
    stacks = _stacks(context)
    templates = [context.account.client("cloudformation").get_template(StackName=stack)["TemplateBody"] for stack in stacks]
    types = Counter(resource["Type"] for template in templates for resource in template["Resources"].values())
    coverage = json.loads(COVERAGE.read_text(encoding="utf-8"))
    classes = {name: coverage["types"]["Custom::*" if name.startswith("Custom::") else name]["class"] for name in types}
    reported = {row["class"]: [row["types"], row["resources"]] for row in report["coverage"]}
    section.same("classes of resources", sorted(coverage["classes"]), sorted(reported))
    for kind in coverage["classes"]:
        names = [name for name in types if classes[name] == kind]
        section.same(f"types and resources that are {kind}", [len(names), sum(types[name] for name in names)], reported.get(kind))
    section.same("resources read back", _read_back(context, stacks), report["readBack"])
    section.same("factor of the platform clock", _factor(context), report["clockFactor"])
    section.same("answer to a wrong signature", _answer(context, "wrong"), report.get("wrongSignature"))


def _factor(context: Context) -> int:
    """How many times faster platform time runs: queues publish their metrics once a platform minute."""
    dimensions = [{"Name": "QueueName", "Value": context.report["outage"]["inbox"]}]
    metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": dimensions}
    seconds = sorted(datapoints(context, metric, 1, "SampleCount"))
    gaps = Counter(later - before for before, later in zip(seconds, seconds[1:]))
    return round(60 / gaps.most_common(1)[0][0])


def _stacks(context: Context) -> list[str]:
    """Every stack but the CDK's own."""
    stacks = context.account.pages("cloudformation", "describe_stacks", "Stacks")
    return [stack["StackName"] for stack in stacks if stack["StackName"] != "CDKToolkit" and stack["StackStatus"] != "DELETE_COMPLETE"]


def _read_back(context: Context, stacks: list[str]) -> int:
    """Resources that are there; the endpoint was when the run read them, and no later release changes their number."""
    found = [context.account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack) for stack in stacks]
    there = [resource for resources in found for resource in resources if resource["ResourceStatus"] != "DELETE_COMPLETE"]
    return sum(_readable(resource["ResourceType"]) for resource in there)


def _readable(kind: str) -> bool:
    """Whether a service of AWS has it; custom resources and the CDK's metadata exist in the stack only."""
    return re.match(r"Custom::|AWS::CDK::|AWS::CloudFormation::", kind) is None


def _answer(context: Context, secret: str) -> int:
    """Status of a request to the API that is signed with a secret of our choice."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    match = re.match(r"https://([^.]+)\.execute-api\.[^/]+/([^/]+)", context.outputs["ApiUrl"])
    if match is None:
        raise LookupError(f"{context.outputs['ApiUrl']} is not the address of a REST API")
    url = f"{context.account.url}/_aws/execute-api/{match[1]}/{match[2]}/v2/models/{MODEL}"
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials(KEY, secret), "execute-api", REGION).add_auth(request)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(urllib.request.Request(url, headers=dict(request.headers)), timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code
