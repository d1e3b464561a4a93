"""What several sections look at, read or computed once."""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Callable, TypeVar

import flights_csv
from judge import Judge, Record, Refused
from kept_account import KeptAccount, in_parallel
from model import Model
from registry import Registry
from trips import Trip, april_trips

DATASET = "flights"
MODEL = "delay"
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
        return RawFile(key, version, data, judge.file(data), None)
    except Refused as refused:
        return RawFile(key, version, data, [], str(refused))
