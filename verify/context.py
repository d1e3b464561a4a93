"""What several sections look at, read or computed once."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Callable, TypeVar

import flights_csv
from config_file import signature_features
from judge import Judge, Record, Refused
from kept_account import KeptAccount, in_parallel
from last_hour import NAME, Departure, Departures, Hour
from model import Model
from registry import Registry
from trips import APRIL, Trip, april_trips, departure_of

DATASET = "flights"
MODEL = "delay"
STREAM = f"{DATASET}/stream/"
"""Below it lies what was landed of a stream."""
UNAVAILABLE = "store unavailable"
T = TypeVar("T")


@dataclass(frozen=True)
class RawFile:
    """One object version in the raw zone, judged."""

    key: str
    version: str
    data: bytes
    records: list[Record]
    refused: str | None

    @property
    def row(self) -> str:
        """Key of its row in the ledger."""
        return f"object#{self.key}#{self.version}"


class Context:
    """The account, the report and everything that is derived from them for more than one section."""

    def __init__(self, account: KeptAccount) -> None:
        self.account = account
        self.report = account.report
        self.outputs = account.outputs

    @cached_property
    def expected_files(self) -> dict[str, list[bytes]]:
        """The lines that each raw object of the run was made of, by its key."""
        first, last = self.report["months"]
        return {f"{DATASET}/{name}": lines for name, lines in flights_csv.files(first, last).items()}

    @cached_property
    def raw_files(self) -> list[RawFile]:
        """Every object version below the dataset's prefix in the raw zone."""
        bucket = self.outputs["RawBucket"]
        found = [(key, version) for key, version in self.account.versions(bucket) if key.startswith(f"{DATASET}/")]
        bodies = in_parallel(lambda item: self.account.bytes_of(bucket, *item), found)
        judge = Judge()
        return [_judged(judge, key, version, data) for (key, version), data in sorted(zip(found, bodies))]

    @cached_property
    def run_files(self) -> list[RawFile]:
        """The raw files of the run itself: those that bear the names of its months. Whatever came later is judged, but not reported."""
        return [file for file in self.raw_files if file.key in self.expected_files]

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The ledger's row of each object version."""
        items = self.account.table(self.outputs[f"{DATASET}Ledger"])
        return {item["pk"]: item for item in items if item["pk"].startswith("object#")}

    @cached_property
    def trips(self) -> list[Trip]:
        """The flights of April that the run asked about."""
        return april_trips()

    @cached_property
    def features(self) -> tuple[str, ...]:
        """What the model is told beside what requests bring. Raises LookupError for what the verifier does not know."""
        found = tuple(signature_features(self.report["config"], MODEL))
        if found not in ((), (NAME,)):
            raise LookupError(f"the verifier knows no feature but {NAME}, {self.report['config']} has {', '.join(found)}")
        return found

    @cached_property
    def departures(self) -> Departures:
        """What left in April and the month before, by the CSV: the records that keep the contract."""
        return Departures(left for left in map(departure_of, self.published) if left is not None)

    @cached_property
    def published(self) -> list[dict[str, str]]:
        lines = [*flights_csv.month(APRIL - 1), *flights_csv.month(APRIL)]
        records = Judge().file(b"\n".join([flights_csv.header(), *lines]))
        names = flights_csv.columns()
        return [dict(zip(names, record.raw.decode("ascii").split(","))) for record in records if record.rule is None]

    def hour(self, trip: Trip) -> Hour:
        """What was to be known when a trip was asked about."""
        return self.departures.before(trip.asked["origin"], trip.scheduled)

    def kept(self, prediction_id: str) -> dict[str, Any]:
        """What the books say that the model was told; empty for a model that is told nothing."""
        stored = json.loads(self.predictions.get(prediction_id, {}).get("features", "{}"))
        return stored.get(NAME, [{}])[0]

    def question(self, trip: Trip) -> dict[str, Any]:
        """What the model was asked: what the request brought, and the last hour by the CSV, unless the store did not answer then."""
        if not self.features:
            return trip.asked
        silent = self.kept(trip.id).get("reason") == UNAVAILABLE
        return {**trip.asked, NAME: None if silent else self.hour(trip).value}

    @cached_property
    def registry(self) -> Registry:
        """Registered versions and releases of the model."""
        return Registry(self.account, self.outputs[f"{MODEL}Registry"], self.outputs["ReleaseTable"], MODEL)

    @cached_property
    def model(self) -> Model:
        """What answered the replay: the version of the first release."""
        first = next((release.row["to"] for release in self.registry.releases if release.row["state"] == "released"), None)
        version = self.registry.by_arn(first)
        if version is None:
            raise LookupError(f"the first release is of {first}, which is not registered")
        return version.model

    @cached_property
    def predictions(self) -> dict[str, dict[str, Any]]:
        """Every prediction in the books of the model, by its id."""
        items = self.account.table(self.account.variable("PREDICTIONS_TABLE"))
        return {item["id"]: item for item in items if item["model"] == MODEL}

    @cached_property
    def clock_end(self) -> str:
        """Where the run left the workload clock."""
        return self.report["workloadClock"][1]

    def counts(self, row: dict[str, Any]) -> bool:
        """Whether a row's records count."""
        return row["state"] == "accounted" and "duplicateOf" not in row and "supersededBy" not in row


def once(function: Callable[[Context], T]) -> Callable[[Context], T]:
    """Lets a function that looks at the account alone, and never at the report, be asked again for nothing."""

    @wraps(function)
    def known(context: Context) -> T:
        results = context.account.__dict__.setdefault("results", {})
        if function not in results:
            results[function] = function(context)
        return results[function]

    return known


def is_of_run(prediction_id: str) -> bool:
    """Whether the run asked for a prediction beside the replay: during the outage and during the release that was undone."""
    return re.fullmatch(r"(outage|slow)-\d+", prediction_id) is not None


def _judged(judge: Judge, key: str, version: str, data: bytes) -> RawFile:
    try:
        return RawFile(key, version, data, judge.batch(data) if key.startswith(STREAM) else judge.file(data), None)
    except Refused as refused:
        return RawFile(key, version, data, [], str(refused))
