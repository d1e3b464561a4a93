"""The events of the run, replayed from the bus's archive to a queue of our own."""
from __future__ import annotations

import json
import re
import time
from collections import Counter
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator

from checks import Section
from context import DATASET, MODEL, Context, is_of_run
from kept_account import REGION
from registry import epoch
from section_features import landed
from section_predictions import wanted_row

LIMIT_SECONDS = 120
MADE, LABELLED, EXPIRED = "Prediction Made", "Prediction Labelled", "Prediction Expired"
FINISHED, RELEASED, NOT_RELEASED = "Training Finished", "Model Released", "Model Release Failed"
NEVER = "9999-12-31T00:00:00Z"
FIELDS = ("model", "state", "madeAt", "eventTime", "expiresAt", "decision", "requestSha256")

Event = dict[str, Any]


def check(section: Section, context: Context) -> None:
    events, archived = replayed(context)
    section.same("events replayed", archived, len(events), "received")
    seen = {(event["detail-type"], event["detail"]["eventId"]) for event in events}
    run = _of_the_run(context)
    own = Counter(kind for kind, _ in seen & run)
    for kind in sorted({*own, *context.report["events"]}):
        section.same(kind, own[kind], context.report["events"].get(kind, 0))
    wanted = run | _since(context)
    section.holds("each change has its event", [f"{kind} of {name} is missing" for kind, name in sorted(wanted - seen)], len(wanted))
    section.holds("each event has its change", [f"{kind} of {name} never happened" for kind, name in sorted(seen - wanted)], len(seen))
    section.holds("predictions are announced as they are in the books", _told(context, events), len(context.trips))
    if len(events) > len(seen):
        section.note(f"{len(events) - len(seen)} events came twice, with the same eventId")


def _of_the_run(context: Context) -> set[tuple[str, str]]:
    """Type and id of every event that the run must have caused."""
    moment = _counted(context)
    runs = [row for row in training_rows(context) if epoch(row.get("endedAt", NEVER)) <= moment]
    datasets = {row["plan"]["datasetId"] for row in runs}
    files = {("File Accounted", name) for name, row in context.rows.items() if _of_a_month(row) and epoch(row["accountedAt"]) <= moment}
    files |= {("File Accounted", file.row) for file in landed(context)}
    asked = [*(trip.id for trip in context.trips), *filter(is_of_run, context.predictions)]
    made = {(MADE, f"{MODEL}/{name}/open") for name in asked}
    ends = {_end(trip.id, "expired" if trip.known is None else "labelled") for trip in context.trips}
    published = {("Dataset Published", f"{DATASET}#{name}") for name in datasets}
    finished = {(FINISHED, name) for row in runs for name in _attempts(row)}
    released = {event for row in context.registry.rows if epoch(row.get("changedAt", row.get("at", NEVER))) <= moment for event in _release_events(row)}
    return files | made | ends | published | finished | released


def _counted(context: Context) -> float:
    """The last of what the run caused and announced is the end of its last release; it counted after that."""
    return context.registry.releases[len(context.report["releases"]) - 1].end


def training_rows(context: Context) -> list[dict[str, Any]]:
    """Every training run in the books, in the order of their starts."""
    rows = context.account.table(context.outputs[f"{MODEL}TrainingRuns"])
    return sorted((row for row in rows if row["pk"].startswith("run#")), key=lambda row: row["startedAt"])


def _attempts(row: dict[str, Any]) -> list[str]:
    """A run that is still under way has not been announced; each attempt before it was, as failed. So was a run whose version was found later."""
    found_later = row["state"] == "registered" and "error" in row
    states = [*["failed"] * (row["attempt"] - 1 + found_later), *([] if row["state"] == "running" else [row["state"]])]
    numbers = [*range(1, row["attempt"] + found_later), row["attempt"]]
    return [f"{row['pk'].removeprefix('run#')}#{number}#{state}" for number, state in zip(numbers, states)]


def _of_a_month(row: dict[str, Any]) -> bool:
    return row["state"] == "accounted" and re.fullmatch(rf"{DATASET}/flights-2013-\d\d-[A-Z]{{3}}\.csv", row["key"]) is not None


def _release_events(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What a row of the release table announced: the end of a release, a refusal, or what its owner was told."""
    entry, name = row["entry"], f"{row['model']}#{row['entry']}"
    if entry.startswith("release#"):
        kind = {"released": RELEASED, "failed": NOT_RELEASED, "stuck": NOT_RELEASED}.get(row["state"])
        return [] if kind is None else [(kind, f"{name}#{row['state']}")]
    if entry == "told" or (entry.startswith("mark#") and row["reason"] == "refused"):
        return [(NOT_RELEASED, f"{name}#{row['at']}")]
    return []


def _since(context: Context) -> set[tuple[str, str]]:
    """The same for whatever the tables hold beside: the outage, and what was tried on the kept account."""
    events = {(_final(row), name) for row in context.rows.values() for name in _again(row)}
    events |= {("Dataset Published", item["pk"]) for item in context.account.table(context.outputs["CatalogTable"])}
    events |= {(FINISHED, name) for row in training_rows(context) for name in _attempts(row)}
    events |= {event for row in context.registry.rows for event in _release_events(row)}
    for name, row in context.predictions.items():
        events.add((MADE, f"{MODEL}/{name}/open"))
        if row["state"] != "open":
            events.add(_end(name, row["state"]))
    return events


def _final(row: dict[str, Any]) -> str:
    return "File Accounted" if row["state"] == "accounted" else "File Rejected"


def _again(row: dict[str, Any]) -> list[str]:
    """A row that was taken up again was announced each time."""
    return [row["pk"], *(f"{row['pk']}#{turn}" for turn in range(1, row.get("reopened", 0) + 1))]


def _end(prediction_id: str, state: str) -> tuple[str, str]:
    return {"labelled": LABELLED, "expired": EXPIRED}[state], f"{MODEL}/{prediction_id}/{state}"


def _told(context: Context, events: list[Event]) -> Iterator[str]:
    """Each event of a trip carries what the books say, at the state that it announces."""
    rows = {trip.id: wanted_row(trip, context) for trip in context.trips}
    for event in events:
        detail = event["detail"]
        row = rows.get(detail.get("predictionId", ""))
        if row is None:
            continue
        wanted = {**row, "state": {MADE: "open"}.get(event["detail-type"], row["state"])}
        names = [*FIELDS, *(("outcome", "observedAt", "labelledAt") if event["detail-type"] == LABELLED else ())]
        yield from (f"{detail['eventId']}: {name} is {detail.get(name)}" for name in names if detail.get(name) != wanted[name])


def replayed(context: Context) -> tuple[list[Event], int]:
    """Every archived event of the bus, and how many the archive says that there are."""
    events = context.account.client("events")
    bus = events.describe_event_bus(Name=context.outputs["EventBusName"])["Arn"]
    archive = events.list_archives(EventSourceArn=bus)["Archives"][0]["ArchiveName"]
    described = events.describe_archive(ArchiveName=archive)
    name = f"verify-{int(time.time() * 1000)}"
    with _queue(context, name) as queue, _rule(context, name, queue["arn"]) as rule:
        now = datetime.now(timezone.utc)
        window = {"EventStartTime": now - timedelta(days=2), "EventEndTime": now + timedelta(minutes=1)}
        source = described.get("ArchiveArn", f"arn:aws:events:{REGION}:{_account(bus)}:archive/{archive}")
        events.start_replay(ReplayName=name, EventSourceArn=source, Destination={"Arn": bus, "FilterArns": [rule]}, **window)
        return _received(context, queue["url"], name, described["EventCount"]), described["EventCount"]


def _received(context: Context, url: str, name: str, expected: int) -> list[Event]:
    sqs, events = context.account.client("sqs"), context.account.client("events")
    received: list[Event] = []
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        received += [json.loads(message["Body"]) for message in messages]
        if messages:
            entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        elif events.describe_replay(ReplayName=name)["State"] == "COMPLETED":
            if len(received) >= expected:
                return received
            time.sleep(0.2)
    raise TimeoutError(f"{len(received)} of {expected} archived events came in {LIMIT_SECONDS} s")


@contextmanager
def _queue(context: Context, name: str) -> Iterator[dict[str, str]]:
    sqs = context.account.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
        yield {"url": url, "arn": arn}
    finally:
        sqs.delete_queue(QueueUrl=url)


@contextmanager
def _rule(context: Context, name: str, target: str) -> Iterator[str]:
    events, bus = context.account.client("events"), context.outputs["EventBusName"]
    arn = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"replay-name": [name]}))["RuleArn"]
    try:
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "verify", "Arn": target}])
        yield arn
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["verify"])
        events.delete_rule(Name=name, EventBusName=bus)


def _account(arn: str) -> str:
    return arn.split(":")[4]
