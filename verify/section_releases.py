"""Releases: the pointer, the stack, the endpoint and the alarms against the rows of the release machine."""
from __future__ import annotations

from typing import Any, Iterator

from alarms import Watched, clock, datapoints, tree
from checks import Section
from config_file import owner, prefix
from context import MODEL, Context, once
from registry import NONE, Release
from section_outage import notices_in
from section_predictions import captures

NEAR = 5.0
"""Seconds by which a reported duration may be longer than by the books: the run's begin before the approval is written."""
LATEST = 3
"""Evaluations within which an alarm must tell of what is counted."""
SECONDS = 1.0
"""Alarm histories are told by the second."""


def check(section: Section, context: Context) -> None:
    releases, reported = context.registry.releases, context.report["releases"]
    section.holds("each release is in the books as reported", _told(context, releases, reported), len(reported))
    if len(releases) > len(reported):
        section.note(f"{len(releases) - len(reported)} releases came later; they are judged, but not reported")
    section.holds("a release starts from what served before it", _chain(releases), len(releases))
    _pointer(section, context, releases)
    section.same("the endpoint serves", releases[-1].after, _live(context), "endpoint")
    seen = {item.answer.get("model_version") for found in captures(context).values() for item in found}
    answered = {version.arn for version in context.registry.versions if version.job in seen}
    asked = [release.row["to"] for release in releases if release.row["state"] == "released"]
    section.holds("each released version answered", [f"{arn} did not" for arn in asked if arn not in answered], len(asked))
    section.same("stacks that anything but a release updated", _changed(context), context.report["redeployment"]["changed"], "changed by the redeployment")
    failed = [release for release in releases if release.row["state"] == "failed"]
    section.holds("a release was undone by an alarm of its rollout", _undone(context), len(failed))
    _owner(section, context, failed)
    _day_zero(section, context, releases)


def _told(context: Context, releases: list[Release], reported: list[dict[str, Any]]) -> Iterator[str]:
    """The run approved the versions of the first two months that arrived, each in turn, and released the one that was undone a second time."""
    if len(releases) < len(reported):
        yield f"{len(reported)} are reported, the books have {len(releases)}"
    of = {version.says.get("dataset-id"): version.arn for version in context.registry.versions}
    first, second = [of[item["dataset"]] for item in context.report["arrivals"][:2]]
    for release, item, to in zip(releases, reported, [first, second, second]):
        wanted = {**{field: release.row.get(field) for field in ("entry", "state", "from", "reason")}, "to": to, "live": release.after}
        yield from (f"{field} of {item['to']} is {item.get(field)}, not {value}" for field, value in wanted.items() if item.get(field) != value)
        asked = _asked_for(context, release)
        if not 0 <= item["seconds"] - (release.end - asked) <= NEAR:
            yield f"that of {to} ended {release.end - asked:.1f} s after it was asked for, reported {item['seconds']}"
        for at in [_heard(context, release)] if "told" in item else []:
            if at is None or not 0 <= item["told"]["seconds"] - (at - asked) <= NEAR:
                yield f"of that of {to} its owner heard at {clock(at) if at else 'no time'}, reported {item['told']['seconds']} s after it was asked for"


def _asked_for(context: Context, release: Release) -> float:
    """When its version was approved, or when somebody had it released again."""
    version = context.registry.by_arn(release.row["to"])
    again = any(other.row["to"] == release.row["to"] and other.start < release.start for other in context.registry.releases)
    return release.start if again or version is None else version.described["LastModifiedTime"].timestamp()


def _chain(releases: list[Release]) -> Iterator[str]:
    before = NONE
    for release in releases:
        if release.row["from"] != before:
            yield f"{release.row['entry']} starts from {release.row['from']}, not from {before}"
        before = release.after


def _pointer(section: Section, context: Context, releases: list[Release]) -> None:
    """Its history is what the releases say: the seed, each version that was released, and the one before it where that was undone."""
    history = _history(context)
    written = [(release, value) for release in releases for value in _written(release)]
    section.same("values of the pointer", [NONE, *(value for _, value in written)], [item["Value"] for item in history], "history")
    late = [
        f"{value} was written at {clock(item['LastModifiedDate'].timestamp())}"
        for (release, value), item in zip(written, history[1:])
        if not release.start <= item["LastModifiedDate"].timestamp() <= release.end
    ]
    section.holds("each was written during its release", late, len(history) - 1)


@once
def _history(context: Context) -> list[dict[str, Any]]:
    name = f"/{prefix(context.report['config'])}/models/{MODEL}/approved"
    return list(context.account.pages("ssm", "get_parameter_history", "Parameters", Name=name))


def _name(context: Context) -> str:
    """Of the endpoint."""
    return f"{prefix(context.report['config'])}-{MODEL}"


def _written(release: Release) -> list[str]:
    return {"released": [release.row["to"]], "failed": [release.row["to"], release.row["from"]]}.get(release.row["state"], [])


@once
def _live(context: Context) -> str | None:
    """The version behind the endpoint: its configuration, that one's model, and that one's package."""
    client = context.account.client("sagemaker")
    config = client.describe_endpoint_config(EndpointConfigName=client.describe_endpoint(EndpointName=_name(context))["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    return client.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"].get("ModelPackageName")


@once
def _changed(context: Context) -> list[str]:
    """Stacks change when they are deployed first, and the one with the endpoint by releases: a deployment of the same finds nothing to do."""
    own, releases = prefix(context.report["config"]), context.registry.releases
    changed = []
    for stack in context.account.pages("cloudformation", "describe_stacks", "Stacks"):
        name = stack["StackName"]
        if name.startswith(own):
            events = context.account.pages("cloudformation", "describe_stack_events", "StackEvents", StackName=name)
            started = [event["Timestamp"].timestamp() for event in events if _begins(event)]
            serves = name == f"{own}-serving-{MODEL}"
            if any(not serves or not any(release.start <= at <= release.end for release in releases) for at in started):
                changed.append(name)
    return changed


def _begins(event: dict[str, Any]) -> bool:
    return event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] == "UPDATE_IN_PROGRESS"


@once
def _undone(context: Context) -> list[str]:
    names = [f"{_name(context)}-rollback-{kind}" for kind in ("latency", "errors")]
    alarms = [tree(context, name)[name] for name in names]
    failed = [release for release in context.registry.releases if release.row["state"] == "failed"]
    quiet = [release for release in failed if not any(_raised(alarm, release.start, release.end) for alarm in alarms)]
    return [f"no alarm of the rollout went to ALARM during {release.row['entry']}" for release in quiet]


def _raised(alarm: Watched, start: float, end: float) -> bool:
    return any(change.new == "ALARM" and start - SECONDS <= change.at <= end + SECONDS for change in alarm.changes)


def _owner(section: Section, context: Context, failed: list[Release]) -> None:
    """Whoever owns delivery was told of each release that failed."""
    told = [{name: value for name, value in item["told"].items() if name != "seconds"} for item in context.report["releases"] if item["state"] == "failed"]
    section.same("who is told of releases that failed", [_addressee(context)] * len(told), told)
    section.holds("each was told when its way back began, before it ended", _unnoticed(context), len(failed))


def _addressee(context: Context) -> dict[str, str]:
    config = context.report["config"]
    team, queues = owner(config, "delivery", "ticket")
    return {"alarm": f"{prefix(config)}-release-failed", "team": team, "inbox": f"{prefix(config)}-{queues[0]}"}


@once
def _unnoticed(context: Context) -> list[str]:
    """Releases that failed of which nobody heard in time, and times at which the alarm was raised without a notice."""
    to = _addressee(context)
    alarm, notices = tree(context, to["alarm"])[to["alarm"]], _alarming(context)
    raised = [change.at for change in alarm.changes if change.new == "ALARM"]
    problems = []
    for release in context.registry.releases:
        if release.row["state"] == "failed":
            counted, heard = _counted(context, release), _heard(context, release)
            if len(counted) != 1:
                problems.append(f"{release.row['entry']} was counted as failed {len(counted)} times")
            elif heard is None or heard > min(counted[0] + LATEST * alarm.step, release.end):
                problems.append(f"{release.row['entry']} went back at {clock(counted[0])}, told at {clock(heard) if heard else 'no time'}")
    return problems + [f"none at {clock(at)}" for at in raised if not any(abs(at - other) <= 2 * SECONDS for other in notices)]


def _counted(context: Context, release: Release) -> list[int]:
    """The seconds in which a release was counted as failed: its way back began then."""
    dimensions = [{"Name": "Workload", "Value": prefix(context.report["config"])}]
    points = datapoints(context, {"Namespace": "AiWorkloads", "MetricName": "ReleasesFailed", "Dimensions": dimensions}, 1, "Sum")
    return [at for at, value in points.items() for _ in range(round(value)) if release.start - SECONDS <= at <= release.end + SECONDS]


def _heard(context: Context, release: Release) -> float | None:
    """When the owner heard that a release failed: the first notice since its way back began."""
    begun = min(_counted(context, release), default=release.end)
    return next((at for at in _alarming(context) if at >= begun - SECONDS), None)


@once
def _alarming(context: Context) -> list[float]:
    to = _addressee(context)
    return [notice.at for notice in notices_in(context, to["inbox"], to["alarm"]) if notice.state == "ALARM"]


def _day_zero(section: Section, context: Context, releases: list[Release]) -> None:
    """One request came before the first release. The API answered it itself, no function failed, and 503 is its only 5xx by its documentation."""
    section.same("requests answered 5xx and failed calls of the API's functions before the first release", [1, 0], _early_failures(context), "counted")
    section.same("answer before there was a model", 503, context.report["dayZeroStatus"])
    created = _created(context)
    early = [] if releases[0].start <= created <= releases[0].end else [f"it was made at {clock(created)}"]
    section.holds("the endpoint came with the first release", early)


@once
def _early_failures(context: Context) -> list[int]:
    before = context.registry.releases[0].start

    def counted(namespace: str, metric: str, dimension: str, value: str) -> int:
        watched = {"Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": dimension, "Value": value}]}
        return round(sum(value for at, value in datapoints(context, watched, 1, "Sum").items() if at < before))

    functions = context.account.environment_with("PREDICTIONS_TABLE")
    failed = sum(counted("AWS/Lambda", "Errors", "FunctionName", name) for name in functions)
    return [counted("AWS/ApiGateway", "5XXError", "ApiName", context.account.variable("API_NAME")), failed]


@once
def _created(context: Context) -> float:
    return context.account.client("sagemaker").describe_endpoint(EndpointName=_name(context))["CreationTime"].timestamp()
