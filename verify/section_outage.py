"""The outage: requests that failed, the alarm that followed from them, and the notices that reached the owner's inbox."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alarms import RESOLUTION, Watched, broken_rule, clock, datapoints, missed, tree, unjustified
from checks import Section
from config_file import owner, prefix
from context import Context
from kept_account import runs

NEAR = 5.0
"""Seconds that a printed duration may differ: requests come five times a second and metrics are kept by the second."""


@dataclass(frozen=True)
class Notice:
    """One alarm notice. `at` in epoch seconds."""

    at: float
    state: str


@dataclass(frozen=True)
class Outage:
    """The moments of the outage, by the endpoint's own datapoints between two OK states. Epoch seconds."""

    alarm: float
    ok: float
    failed: dict[int, float]
    invoked: dict[int, float]

    @property
    def first(self) -> int:
        return min(self.failed)


def check(section: Section, context: Context) -> None:
    reported = context.report["outage"]
    config = context.report.get("config", "config/dev.yaml")
    team, queues = owner(config, "serving")
    section.same("owner of serving in the config", team, reported["team"])
    section.same("inbox", f"{prefix(config)}-{queues[0]}", reported["inbox"])
    alarms = tree(context, reported["alarm"])
    pager = alarms[reported["alarm"]]
    _notices(section, pager, notices_in(context, reported["inbox"], reported["alarm"]), reported)
    outage = _outage(context, pager, reported)
    _requests(section, context, outage, reported)
    _seconds(section, outage, reported)
    _justified(section, alarms)
    _processes(section, context, reported)


def notices_in(context: Context, name: str, alarm: str) -> list[Notice]:
    """The notices of an alarm in an inbox and in its dead-letter queue, where they go after ten readings. They stay there for their readers."""
    sqs = context.account.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"].get("RedrivePolicy")
    unread = [sqs.get_queue_url(QueueName=json.loads(policy)["deadLetterTargetArn"].split(":")[-1])["QueueUrl"]] if policy else []
    found: dict[str, Notice] = {}
    for queue in [url, *unread]:
        for identifier, body in _peeked(sqs, queue).items():
            message = json.loads(json.loads(body)["Message"])
            if message.get("AlarmName") == alarm:
                found[identifier] = Notice(_epoch(message["StateChangeTime"]), message["NewStateValue"])
    return sorted(found.values(), key=lambda notice: notice.at)


def _peeked(sqs: Any, url: str) -> dict[str, str]:
    """Bodies of all messages that can be read now, by message id."""
    bodies: dict[str, str] = {}
    handles: list[str] = []
    try:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get("Messages", []):
            bodies.update({message["MessageId"]: message["Body"] for message in messages})
            handles += [message["ReceiptHandle"] for message in messages]
    finally:
        for handle in handles:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return bodies


def _notices(section: Section, pager: Watched, notices: list[Notice], reported: dict[str, Any]) -> None:
    history = [change for change in pager.changes if change.old != "INSUFFICIENT_DATA"]
    in_time = [notice for notice in notices if history and notice.at >= history[0].at - 1]
    section.same("notices in the inbox", [change.new for change in history], [notice.state for notice in in_time], "inbox")
    late = [f"{notice.state} of {clock(notice.at)}" for change, notice in zip(history, in_time) if abs(change.at - notice.at) > 2 * RESOLUTION]
    section.holds("each is of the moment at which the alarm changed", late, len(in_time))
    printed = [Notice(_epoch(item["at"]), item["state"]) for item in reported["notices"]]
    section.same("notices of the outage", [notice.state for notice in notices if notice in printed], [notice.state for notice in printed])
    before = pager.state_at(printed[0].at - 1)
    section.same("states of the alarm", ["OK", "ALARM", "OK"], [before, *(notice.state for notice in printed)])


def _outage(context: Context, pager: Watched, reported: dict[str, Any]) -> Outage:
    """The run's own change to ALARM and back, and the endpoint's requests between the OK before and the OK after."""
    alarm, ok = _epoch(reported["notices"][0]["at"]), _epoch(reported["notices"][-1]["at"])
    start = alarm - reported["seconds"]["untilNotice"] - 1
    failed = {at: value for at, value in _endpoint(context, reported, "InvocationModelErrors").items() if start <= at <= ok and value > 0}
    invoked = {at: value for at, value in _endpoint(context, reported, "Invocations").items() if start <= at <= ok}
    if not failed:
        raise LookupError(f"no request to the endpoint failed from {clock(start)} to {clock(ok)}")
    return Outage(alarm, ok, failed, invoked)


def _endpoint(context: Context, reported: dict[str, Any], name: str) -> dict[int, float]:
    """Sums of a metric of the endpoint by second, over all of its variants."""
    endpoint = reported["alarm"].removesuffix("-unhealthy")
    metrics = context.account.pages("cloudwatch", "list_metrics", "Metrics", Namespace="AWS/SageMaker", MetricName=name)
    total: dict[int, float] = {}
    for metric in metrics:
        dimensions = {item["Name"]: item["Value"] for item in metric["Dimensions"]}
        if set(dimensions) == {"EndpointName", "VariantName"} and dimensions["EndpointName"] == endpoint:
            for at, value in datapoints(context, metric, 1, "Sum").items():
                total[at] = total.get(at, 0) + value
    return total


def _requests(section: Section, context: Context, outage: Outage, reported: dict[str, Any]) -> None:
    def counted(namespace: str, name: str, dimension: str) -> int:
        metric = {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": context.account.variable("API_NAME")}]}
        points = datapoints(context, metric, 1, "Sum")
        return round(sum(value for at, value in points.items() if outage.first - 1 <= at <= outage.ok + 1))

    section.same("requests that failed at the endpoint", round(sum(outage.failed.values())), reported["failed"])
    section.same("requests that the API answered 503 (ModelUnavailable)", counted("AiWorkloads", "ModelUnavailable", "Api"), reported["failed"])
    section.same("requests that the API answered 5xx", counted("AWS/ApiGateway", "5XXError", "ApiName"), reported["failed"])
    server = _endpoint(context, reported, "Invocation5XXErrors")
    section.same("as server errors (Invocation5XXErrors)", round(sum(server.get(at, 0) for at in outage.failed)), reported["failed"])
    before = sum(value for at, value in outage.failed.items() if at <= outage.alarm)
    section.holds("requests failed between the kill and ALARM", [] if before > 0 else ["none did"], round(before))
    last = {at: value for at, value in outage.invoked.items() if at > max(outage.failed)}
    succeeded = round(sum(last.values()))
    section.holds("requests succeeded again before OK", [] if succeeded > 0 else ["none did"], succeeded)


def _seconds(section: Section, outage: Outage, reported: dict[str, Any]) -> None:
    seconds = reported["seconds"]
    section.near("seconds from the kill to the notice", round(outage.alarm - outage.first, 1), seconds["untilNotice"], NEAR)
    section.near("seconds to the restart", max(outage.failed) - outage.first, seconds["untilRestart"], NEAR)
    section.near("seconds to OK", round(outage.ok - outage.first, 1), seconds["untilOk"], NEAR)


def _justified(section: Section, alarms: dict[str, Watched]) -> None:
    """Every change of every alarm behind the page, since the deployment, and every state that should have been."""
    now = datetime.now().timestamp()
    simple = [watched for watched in alarms.values() if not watched.composite]
    changes = sum(len(watched.changes) for watched in simple)
    section.holds("each change of an alarm is what its datapoints ask for", (text for watched in simple for text in unjustified(watched)), changes)
    section.holds("no state that they ask for was missed", (text for watched in simple for text in missed(watched, now)), len(simple))
    composite = [watched for watched in alarms.values() if watched.composite]
    section.holds("composite alarms follow their rules", (text for watched in composite for text in broken_rule(watched, alarms)), len(composite))


def _processes(section: Section, context: Context, reported: dict[str, Any]) -> None:
    hosts = json.loads((context.account.state / "endpoints.json").read_text(encoding="utf-8"))
    variants = hosts[reported["alarm"].removesuffix("-unhealthy")]["variants"]
    instance = next(iter(variants.values()))[0]
    logs = {Path(log): _started(Path(log)) for log in context.account.state.glob("logs/*.log")}
    started = next((pids for pids in logs.values() if reported["pid"] in pids), [])
    section.same("processes of the container, by its log", started[:2], [reported["pid"], reported["restartedAs"]])
    if len(started) > 2:
        section.note(f"the host has started the container {len(started) - 2} times since")
    section.same("process that serves", _started(Path(instance["log"]))[-1], instance["pid"], "by the host")
    section.holds("it runs", [] if _serves(instance["pid"]) else [f"process {instance['pid']} does not"])
    section.holds("the killed process does not", ["it does"] if _serves(reported["pid"]) else [])


def _started(log: Path) -> list[int]:
    """Processes of one container in their order; a release brings a container of its own."""
    return [int(pid) for pid in re.findall(r"^--- start \d+: process (\d+)", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)]


def _serves(pid: int) -> bool:
    """Whether a process of this number is a model container, and not another one that got the number."""
    command = Path(f"/proc/{pid}/cmdline")
    return runs(pid) and (not command.exists() or b"serve.py" in command.read_bytes())


def _epoch(text: str) -> float:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
