"""Templates in a running account: corrected buckets, request validation, signatures, added types, read-back [L2]."""
from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Iterator

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from account import aws, readback

HERE = "test-stack"
CODE = """exports.handler = async () => {
  console.log(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: 'Emf', Dimensions: [['Who']],
    Metrics: [{ Name: 'Calls', Unit: 'Count' }] }] }, Who: 'fn', Calls: 3 }));
  return { statusCode: 200, body: '{}' };
};"""


def resource(type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type, "Properties": properties}


def template() -> dict[str, Any]:
    ref = lambda name: {"Ref": name}
    get = lambda name, attribute: {"Fn::GetAtt": [name, attribute]}
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    uri = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}
    integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri}
    schema = {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array", "minItems": 1}}}
    rules = [{"Id": "old", "Status": "Enabled", "ExpirationInDays": 30}]
    return {"Resources": {
        "Bucket": resource("AWS::S3::Bucket", Tags=[{"Key": "owner", "Value": "data"}], VersioningConfiguration={"Status": "Enabled"},
                           BucketEncryption={"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
                           OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, LifecycleConfiguration={"Rules": rules},
                           NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}}),
        "Bus": resource("AWS::Events::EventBus", Name="test-bus"),
        "BusRule": resource("AWS::Events::Rule", EventBusName=ref("Bus"), EventPattern={"source": ["x"]}),
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust),
        "Fn": resource("AWS::Lambda::Function", Runtime="nodejs24.x", Handler="index.handler", Role=get("Role", "Arn"), Code={"ZipFile": CODE}),
        "Api": resource("AWS::ApiGateway::RestApi", Name="test-api"),
        "Path": resource("AWS::ApiGateway::Resource", RestApiId=ref("Api"), ParentId=get("Api", "RootResourceId"), PathPart="infer"),
        "Body": resource("AWS::ApiGateway::Model", RestApiId=ref("Api"), ContentType="application/json", Schema=schema),
        "Check": resource("AWS::ApiGateway::RequestValidator", RestApiId=ref("Api"), ValidateRequestBody=True, ValidateRequestParameters=True),
        "Post": resource("AWS::ApiGateway::Method", RestApiId=ref("Api"), ResourceId=ref("Path"), HttpMethod="POST", AuthorizationType="AWS_IAM",
                         RequestValidatorId=ref("Check"), RequestModels={"application/json": ref("Body")}, Integration=integration,
                         RequestParameters={"method.request.header.x-need": True}),
        "Deploy": {**resource("AWS::ApiGateway::Deployment", RestApiId=ref("Api")), "DependsOn": "Post"},
        "Stage": resource("AWS::ApiGateway::Stage", RestApiId=ref("Api"), StageName="dev", DeploymentId=ref("Deploy")),
        "Alarm": resource("AWS::CloudWatch::Alarm", AlarmName="stack-alarm", EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
                          TreatMissingData="notBreaching", Metrics=[
                              {"Id": "e", "Expression": "m * 2", "ReturnData": True},
                              {"Id": "m", "ReturnData": False, "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}}]),
        "Composite": {**resource("AWS::CloudWatch::CompositeAlarm", AlarmName="stack-composite", AlarmRule="ALARM(stack-alarm)"), "DependsOn": "Alarm"},
        "Bus": resource("AWS::Events::EventBus", Name="test-bus"),
        "Archive": resource("AWS::Events::Archive", SourceArn=get("Bus", "Arn"), RetentionDays=7),
        "Budget": resource("AWS::Budgets::Budget", Budget={"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": 10, "Unit": "USD"}}),
        "Monitor": resource("AWS::CE::AnomalyMonitor", MonitorName="m", MonitorType="DIMENSIONAL", MonitorDimension="SERVICE"),
        "Query": resource("AWS::Logs::QueryDefinition", Name="q", QueryString="fields @message"),
        "Detector": resource("AWS::CloudWatch::AnomalyDetector", Namespace="N", MetricName="M", Stat="Sum"),
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
        "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId=ref("Vpc")),
        "In": resource("AWS::EC2::SecurityGroupIngress", GroupId=ref("Group"), IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp=get("Vpc", "CidrBlock")),
        "Out": resource("AWS::EC2::SecurityGroupEgress", GroupId=ref("Group"), IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="10.0.0.0/8"),
    }, "Outputs": {"Cidr": {"Value": get("Vpc", "CidrBlock")}}}  # fmt: skip


def settle(name: str) -> dict[str, Any]:
    deadline = time.time() + 40
    while time.time() < deadline:
        stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
    raise AssertionError("the stack did not settle")


@pytest.fixture(scope="module")
def stack(account_url: str) -> Iterator[dict[str, str]]:
    """Logical id -> physical id of the deployed template."""
    client = aws.client("cloudformation")
    client.create_stack(StackName=HERE, TemplateBody=json.dumps(template()), Capabilities=["CAPABILITY_IAM"])
    status = settle(HERE)["StackStatus"]
    events = [e for e in client.describe_stack_events(StackName=HERE)["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert status == "CREATE_COMPLETE", [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events]
    yield {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in client.describe_stack_resources(StackName=HERE)["StackResources"]}


def call(url: str, stack: dict[str, str], body: str, secret: str | None = "local", header: bool = True) -> tuple[int, str]:
    target = f"{url}/_aws/execute-api/{stack['Api']}/dev/infer"
    headers = {"content-type": "application/json", **({"x-need": "1"} if header else {})}
    request = AWSRequest("POST", target, data=body, headers=headers)
    if secret is not None:
        SigV4Auth(Credentials("000000000000", secret), "execute-api", "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(target, data=body.encode(), headers=dict(request.headers), method="POST")) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_bucket_has_every_property_of_its_template(stack: dict[str, str]) -> None:
    s3, name = aws.client("s3"), stack["Bucket"]
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"][0]["Value"] == "data"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["Expiration"]["Days"] == 30
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)


def test_an_event_of_a_versioned_bucket_names_the_version_and_later_writes_compare_greater(stack: dict[str, str]) -> None:
    sqs, events, s3 = aws.client("sqs"), aws.client("events"), aws.client("s3")
    url = sqs.create_queue(QueueName="bucket-events")["QueueUrl"]
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [stack["Bucket"]]}, "object": {"key": ["versioned"]}}}
    events.put_rule(Name="bucket-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="bucket-events", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:bucket-events"}])
    versions = [s3.put_object(Bucket=stack["Bucket"], Key="versioned", Body=text)["VersionId"] for text in (b"1", b"2")]
    seen: dict[str, str] = {}
    deadline = time.time() + 20
    while len(seen) < 2 and time.time() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            thing = json.loads(message["Body"])["detail"]["object"]
            seen[thing["version-id"]] = thing["sequencer"]
    for version in versions:
        s3.delete_object(Bucket=stack["Bucket"], Key="versioned", VersionId=version)
    events.remove_targets(Rule="bucket-events", Ids=["q"])
    events.delete_rule(Name="bucket-events")
    assert list(seen) and set(seen) == set(versions)
    assert seen[versions[0]] < seen[versions[1]]


def test_a_request_that_fits_the_model_reaches_the_function_and_its_metrics(stack: dict[str, str], account_url: str) -> None:
    assert call(account_url, stack, '{"inputs":[1]}')[0] == 200
    dimensions = {("Emf", "Calls"): [("Who", "fn")], ("AWS/ApiGateway", "Count"): [("ApiName", "test-api"), ("Stage", "dev")],
                  ("AWS/Lambda", "Invocations"): [("FunctionName", stack["Fn"])]}  # fmt: skip
    for (namespace, name), wanted in dimensions.items():
        filters = [{"Name": key, "Value": value} for key, value in wanted]
        assert aws.client("cloudwatch").list_metrics(Namespace=namespace, MetricName=name, Dimensions=filters)["Metrics"], name


@pytest.mark.parametrize("body,header,message", [
    ('{"inputs":[]}', True, "Invalid request body"),
    ('{"inp', True, "Invalid request body"),
    ('{"inputs":[1]}', False, "Missing required request parameters: [x-need]"),
])  # fmt: skip
def test_fails_on_a_request_that_does_not_fit(stack: dict[str, str], account_url: str, body: str, header: bool, message: str) -> None:
    status, answer = call(account_url, stack, body, header=header)
    assert (status, json.loads(answer)["message"]) == (400, message)


@pytest.mark.parametrize("secret", ["wrong", None])
def test_fails_on_a_wrong_or_missing_signature(stack: dict[str, str], account_url: str, secret: str | None) -> None:
    assert call(account_url, stack, '{"inputs":[1]}', secret=secret)[0] == 403


def test_metric_math_of_a_template_is_kept(stack: dict[str, str]) -> None:
    alarm = aws.client("cloudwatch").describe_alarms(AlarmNames=["stack-alarm"])["MetricAlarms"][0]
    assert [query["Id"] for query in alarm["Metrics"]] == ["e", "m"]


def test_every_resource_is_read_back_from_its_own_service(stack: dict[str, str]) -> None:
    report = readback.run([HERE])
    assert report["missing"] == []
    assert report["typesWithoutReader"] == ["AWS::CE::AnomalyMonitor", "AWS::CloudWatch::AnomalyDetector", "AWS::Logs::QueryDefinition"]


def test_read_back_finds_what_is_gone_behind_cloudformations_back(stack: dict[str, str]) -> None:
    aws.client("cloudwatch").delete_alarms(AlarmNames=["stack-composite"])
    (row,) = readback.run([HERE])["missing"]
    assert (row["logicalId"], row["type"]) == ("Composite", "AWS::CloudWatch::CompositeAlarm")
    aws.client("cloudwatch").put_composite_alarm(AlarmName="stack-composite", AlarmRule="ALARM(stack-alarm)")


def test_queue_metrics_appear_once_a_platform_minute(account_url: str) -> None:
    url = aws.client("sqs").create_queue(QueueName="measured")["QueueUrl"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    time.sleep(2.2)
    found = {metric["MetricName"] for metric in aws.client("cloudwatch").list_metrics(Namespace="AWS/SQS", Dimensions=[{"Name": "QueueName", "Value": "measured"}])["Metrics"]}
    assert {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "NumberOfMessagesSent"} <= found


def test_schedules_and_waits_follow_the_platform_clock(account_url: str) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    url = sqs.create_queue(QueueName="ticks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    for name, schedule in (("rate", "rate(1 minute)"), ("cron", "cron(*/2 * * * ? *)")):
        events.put_rule(Name=name, ScheduleExpression=schedule)
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn, "Input": json.dumps({"by": name})}])
    machine = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})
    states = aws.client("stepfunctions")
    created = states.create_state_machine(name="wait", definition=machine, roleArn="arn:aws:iam::000000000000:role/r")["stateMachineArn"]
    started = time.time()
    execution = states.start_execution(stateMachineArn=created)["executionArn"]
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        time.sleep(0.1)
    assert 0.9 < time.time() - started < 3
    time.sleep(max(0.0, started + 5 - time.time()))
    seen = [json.loads(m["Body"])["by"] for _ in range(3) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]
    assert seen.count("rate") >= 2 and seen.count("cron") >= 1
    for name in ("rate", "cron"):
        events.remove_targets(Rule=name, Ids=["q"])
        events.delete_rule(Name=name)


def test_fails_to_delete_a_stack_with_a_full_bucket_and_deletes_it_when_empty(stack: dict[str, str]) -> None:
    client, s3 = aws.client("cloudformation"), aws.client("s3")
    version = s3.put_object(Bucket=stack["Bucket"], Key="k", Body=b"x")["VersionId"]
    client.delete_stack(StackName=HERE)
    assert settle(HERE)["StackStatus"] == "DELETE_FAILED"
    s3.delete_object(Bucket=stack["Bucket"], Key="k", VersionId=version)
    client.delete_stack(StackName=HERE)
    deadline = time.time() + 30
    while time.time() < deadline:
        try:
            client.describe_stacks(StackName=HERE)
        except client.exceptions.ClientError:
            return
    raise AssertionError("the stack was not deleted")


@pytest.mark.parametrize("field", ["ItemBatcher", "ResultWriter"])
def test_fails_on_a_map_field_that_nothing_would_act_on(account_url: str, field: str) -> None:
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    machine = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": inner, field: {}, "End": True}}}
    states = aws.client("stepfunctions")
    with pytest.raises(states.exceptions.InvalidDefinition, match=f"{field} of a Map state are absent"):
        states.create_state_machine(name=f"m-{field}", definition=json.dumps(machine), roleArn="arn:aws:iam::000000000000:role/r")
    body = {"Resources": {"M": resource("AWS::StepFunctions::StateMachine", RoleArn="arn:aws:iam::000000000000:role/r", DefinitionString=json.dumps(machine))}}
    client, name = aws.client("cloudformation"), f"map-{field.lower()}"
    client.create_stack(StackName=name, TemplateBody=json.dumps(body), OnFailure="DO_NOTHING")
    assert settle(name)["StackStatus"] == "CREATE_FAILED"
    reasons = [event.get("ResourceStatusReason", "") for event in client.describe_stack_events(StackName=name)["StackEvents"]]
    assert any(field in reason for reason in reasons)
    client.delete_stack(StackName=name)


def test_a_parameter_from_parameter_store_is_shown_by_its_name_and_by_what_it_resolved_to(account_url: str) -> None:
    ssm, client = aws.client("ssm"), aws.client("cloudformation")
    ssm.put_parameter(Name="/stacks/pointer", Value="a<b", Type="String")
    template = {
        "Parameters": {"Pointer": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/stacks/pointer"}, "Plain": {"Type": "String", "Default": "p"}},
        "Resources": {"Topic": resource("AWS::SNS::Topic", DisplayName={"Ref": "Pointer"})},
    }
    client.create_stack(StackName="pointer-stack", TemplateBody=json.dumps(template))
    shown = {entry.pop("ParameterKey"): entry for entry in settle("pointer-stack")["Parameters"]}
    assert shown == {"Pointer": {"ParameterValue": "/stacks/pointer", "ResolvedValue": "a<b"}, "Plain": {"ParameterValue": "p"}}
    ssm.put_parameter(Name="/stacks/pointer", Value="c", Overwrite=True, Type="String")
    assert settle("pointer-stack")["Parameters"][0]["ResolvedValue"] == "a<b", "what the last deployment resolved"
    client.update_stack(StackName="pointer-stack", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Pointer", "UsePreviousValue": True}])
    assert {"ParameterKey": "Pointer", "ParameterValue": "/stacks/pointer", "ResolvedValue": "c"} in settle("pointer-stack")["Parameters"]
