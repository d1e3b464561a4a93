"""The books of the predictions, every answer in them by our own arithmetic, and the traffic that the endpoint captured."""
from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Iterator

from checks import Section
from context import MODEL, Context, is_of_run, once
from kept_account import in_parallel
from last_hour import NAME
from model import asked_in
from registry import epoch
from trips import UTC, Trip, completed, request_hash, stamp

COUNTERS = ("made", "labelled", "expired", "judged", "positives", "warnings", "hits")


@dataclass(frozen=True)
class Captured:
    """One request and its answer as the endpoint saw them. `at` in epoch seconds, told by the second."""

    request: dict[str, Any]
    answer: dict[str, Any]
    at: float


def check(section: Section, context: Context) -> None:
    trips, books, reported = context.trips, context.predictions, context.report["predictions"]
    made = {trip.id: books[trip.id] for trip in trips if trip.id in books}
    section.same("predictions", len(made), reported["made"])
    section.same("predictions of the outage and the slow release", sum(map(is_of_run, books)), context.report["otherPredictions"])
    later = sorted(set(books) - set(made))
    section.holds("no other prediction was made in the time of the replay", _strangers(context, later), len(books))
    after = sum(not is_of_run(name) for name in later)
    if after > 0:
        section.note(f"{after} predictions from after the run are judged, but not reported")
    states = Counter(row["state"] for row in made.values())
    for state, wanted in (("labelled", sum(trip.known is not None for trip in trips)), ("expired", sum(trip.known is None for trip in trips))):
        section.same(state, wanted, reported[state])
        section.same(f"{state} in the books", wanted, states[state], "books")
    section.same("open", len(made) - states["labelled"] - states["expired"], reported["open"])
    section.holds("each was asked, dated and ended as the CSV says", _row_problems(context), len(trips))
    captured = captures(context)
    section.holds("each answer is the model's, by our own arithmetic", _answer_problems(context, captured), len(books))
    section.holds("each is of a version that served at that moment", _version_problems(context, captured), sum(map(len, captured.values())))
    section.holds("each answer was captured at the endpoint as it is in the books", _capture_problems(context, captured), len(books))
    section.holds("the endpoint answered nobody else", [f"{name} is captured, but not in the books" for name in sorted(set(captured) - set(books))])
    recount = _recount(books)
    section.same("tally of the books", _total(recount), _total(_stored_tally(context)), "stored")
    section.holds("tally by day", [f"{day} differs" for day in _differing(recount, _stored_tally(context))], len(recount))
    _clock(section, context)


@once
def captures(context: Context) -> dict[str, list[Captured]]:
    """Captured traffic of the endpoint by inference id."""
    bucket = context.outputs["CaptureBucket"]
    objects = [item for item in context.account.versions(bucket) if item[0].endswith(".jsonl")]
    result: dict[str, list[Captured]] = defaultdict(list)
    for body in in_parallel(lambda item: context.account.bytes_of(bucket, *item), objects):
        for line in body.splitlines():
            record = json.loads(line)
            data = record["captureData"]
            about = record["eventMetadata"]
            seen = Captured(_payload(data["endpointInput"]), _payload(data["endpointOutput"]), epoch(about["inferenceTime"]))
            result[about["inferenceId"]].append(seen)
    return result


def _payload(part: dict[str, str]) -> dict[str, Any]:
    text = part["data"] if part["encoding"] == "JSON" else base64.b64decode(part["data"]).decode("utf-8")
    return json.loads(text)


def _strangers(context: Context, later: list[str]) -> Iterator[str]:
    """The outage, the slow release and whoever tries the kept account ask when the workload clock stands at the end of the replay."""
    for name in later:
        made = context.predictions[name]["madeAt"]
        if made < context.clock_end:
            yield f"{name} was made at {made}"


def wanted_row(trip: Trip, context: Context) -> dict[str, Any]:
    """What the books must say about a trip, but for the moment at which the expiry job came."""
    row = {
        **{"key": f"{MODEL}/{trip.id}", "model": MODEL, "madeAt": stamp(trip.predicted), "eventTime": stamp(trip.departs)},
        **{"expiresAt": stamp(trip.expires), "requestSha256": request_hash(trip.request), "decision": context.model.warns(context.question(trip))},
        **{"inTime": True, "state": "expired" if trip.known is None else "labelled", "openShard": None},
    }
    if trip.known is not None:
        row.update(outcome=trip.late, observedAt=stamp(trip.known), labelledAt=stamp(trip.known))
    return row


def _row_problems(context: Context) -> Iterator[str]:
    for trip in context.trips:
        row = context.predictions.get(trip.id)
        if row is None:
            yield f"{trip.id} is not in the books"
            continue
        for name, value in wanted_row(trip, context).items():
            if row.get(name) != value:
                yield f"{trip.id}: {name} is {row.get(name)}, not {value}"
        if trip.known is None and not stamp(trip.expires) <= row.get("expiredAt", "") <= context.clock_end:
            yield f"{trip.id}: expired at {row.get('expiredAt')}, not from {stamp(trip.expires)} on"


def _answer_problems(context: Context, captured: dict[str, list[Captured]]) -> Iterator[str]:
    """A trip's question follows from the CSV, that of the outage is the first trip's, in a month without departures; of others the endpoint knows it."""
    asked = {trip.id: context.question(trip) for trip in context.trips}
    beside = {**context.trips[0].asked, **{name: None for name in context.features}}
    for name, row in sorted(context.predictions.items()):
        seen = captured.get(name)
        question = asked.get(name) or (beside if is_of_run(name) else asked_in(seen[-1].request) if seen else None)
        if question is None:
            yield f"{name}: nobody knows what was asked"
            continue
        answer = json.loads(row["answer"])
        version = context.registry.by_job(answer.get("model_version"))
        if version is None:
            yield f"{name}: {answer.get('model_version')} is not registered"
            continue
        problem = version.model.problem(question, answer)
        if problem is None and row.get("decision") is not version.model.warns(question):
            problem = f"the decision is {row.get('decision')}"
        if problem is None and (answer.get("id") != name or answer.get("model_name") != MODEL):
            problem = "the answer names another prediction"
        if problem is not None:
            yield f"{name}: {problem}"


def _version_problems(context: Context, captured: dict[str, list[Captured]]) -> Iterator[str]:
    """The releases say which versions may have answered. The replay began when the second one went back and ended before the third."""
    trips = {trip.id for trip in context.trips}
    for name, seen in sorted(captured.items()):
        for item in seen:
            job = item.answer.get("model_version")
            version = context.registry.by_job(job)
            if version is None or version.arn not in context.registry.served(item.at) or (name in trips and job != context.model.version):
                yield f"{name} was answered by {job}"


def _capture_problems(context: Context, captured: dict[str, list[Captured]]) -> Iterator[str]:
    told = {trip.id: context.question(trip) for trip in context.trips}
    requests = {trip.id: completed(trip.request, told[trip.id][NAME]) if context.features else trip.request for trip in context.trips}
    for name, row in sorted(context.predictions.items()):
        given = {**json.loads(row["answer"]), "id": None}
        answers = [{**item.answer, "id": None} for item in captured.get(name, [])]
        if given not in answers:
            yield f"{name} was not captured" if not answers else f"{name} was captured with another answer"
        elif name in requests and requests[name] not in [item.request for item in captured[name]]:
            yield f"{name} was captured with another question"


def _recount(books: dict[str, dict[str, Any]]) -> dict[str, Counter[str]]:
    """What the tally must say, by day of event time."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for row in books.values():
        day = days[row["eventTime"][:10]]
        labelled, warned = row["state"] == "labelled", row.get("decision")
        day.update(made=1, labelled=int(labelled), expired=int(row["state"] == "expired"))
        if labelled and warned is not None:
            positive = row["outcome"]
            day.update(judged=1, positives=int(positive), warnings=int(warned), hits=int(positive and warned and row["inTime"]))
    return days


def _stored_tally(context: Context) -> dict[str, Counter[str]]:
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for item in context.account.table(context.account.variable("TALLY_TABLE")):
        if item["model"] == MODEL:
            days[item["day"]].update({name: item.get(name, 0) for name in COUNTERS})
    return days


def _total(days: dict[str, Counter[str]]) -> dict[str, int]:
    return {name: sum(day[name] for day in days.values()) for name in COUNTERS}


def _differing(one: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> list[str]:
    """Days of which the counters differ; a counter of zero is as good as none."""
    return [day for day in sorted({*one, *other}) if +one.get(day, Counter()) != +other.get(day, Counter())]


def _clock(section: Section, context: Context) -> None:
    first, last = context.trips[0], max(context.trips, key=lambda trip: trip.departs)
    end = datetime.strptime(context.clock_end, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    section.same("start of the replay", stamp(first.predicted), context.report["workloadClock"][0])
    section.holds("it ended after the last label window", [] if end > last.expires else [f"it ended at {context.clock_end}"], len(context.trips))
    stands = context.account.client("ssm").get_parameter(Name=context.outputs["ClockParameter"])["Parameter"]["Value"]
    section.same("the workload clock", f"replay({context.clock_end})", stands, "parameter")
