"""The rolling value of the objective, from the trips alone."""
from __future__ import annotations

from datetime import datetime, timedelta, timezone

from checks import Section
from config_file import Objective, objective, prefix
from context import Context
from trips import Trip

NEARLY = 1e-9


def check(section: Section, context: Context) -> None:
    reported = context.report["objective"]
    config = context.report.get("config", "config/dev.yaml")
    spec = objective(config)
    last = context.clock_end[:10]
    first = (datetime.strptime(last, "%Y-%m-%d") - timedelta(days=spec.days - 1)).strftime("%Y-%m-%d")
    section.same("first day of the window", first, reported["from"])
    section.same("last day of the window", last, reported["to"])
    labelled = [trip for trip in context.trips if trip.known is not None]
    inside = [trip for trip in labelled if first <= trip.day <= last]
    section.same("labels in the window", len(inside), reported["labels"])
    section.same("labels in all", len(labelled), reported["labelsInAll"])
    section.same("labels that are needed", spec.minimum_labels, reported["minimumLabels"])
    section.same("evaluated", len(inside) >= spec.minimum_labels, reported["evaluated"])
    values = _values(context, inside, spec)
    section.same("metrics", sorted(values), sorted(reported["values"]))
    for name, value in values.items():
        section.near(f"{name}, percent", value, reported["values"].get(name), NEARLY)
    published = {name: _published(context, prefix(config), name) for name in [*values, "ObjectiveLabels"]}
    section.same("published metrics", _rounded({**values, "ObjectiveLabels": float(len(inside))}), _rounded(published), "Amazon CloudWatch")
    if len(inside) < spec.minimum_labels:
        section.holds("no alarm judges so few labels", _alarms(context, set(values)))


def _values(context: Context, trips: list[Trip], spec: Objective) -> dict[str, float]:
    """Percent by metric name: the share of late flights that were warned of in time, and the share of flights with a warning."""
    warned = [trip for trip in trips if context.model.warns(context.question(trip))]
    late = [trip for trip in trips if trip.late]
    parts = {spec.name: (sum(bool(trip.late) for trip in warned), len(late)), spec.guard: (len(warned), len(trips))}
    return {name: 100 * part / whole for name, (part, whole) in parts.items() if whole > 0}


def _published(context: Context, of: str, name: str) -> float | None:
    """The last value of a metric of the objective."""
    dimensions = [{"Name": "Workload", "Value": of}]
    metric = {"Namespace": "AiWorkloads", "MetricName": name, "Dimensions": dimensions}
    now = datetime.now(timezone.utc)
    query = {"Id": "value", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Average"}}
    results = context.account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=12), EndTime=now + timedelta(seconds=1)
    )
    found = results["MetricDataResults"][0]
    return max(zip(found["Timestamps"], found["Values"]))[1] if found["Values"] else None


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 6) for name, value in values.items()}


def _alarms(context: Context, names: set[str]) -> list[str]:
    """Alarms on the objective's metrics that are in ALARM."""
    problems = []
    for alarm in context.account.pages("cloudwatch", "describe_alarms", "MetricAlarms"):
        metrics = {query.get("MetricStat", {}).get("Metric", {}).get("MetricName") for query in alarm.get("Metrics", [])}
        if names & metrics and alarm["StateValue"] == "ALARM":
            problems.append(f"{alarm['AlarmName']} is in ALARM")
    return problems
