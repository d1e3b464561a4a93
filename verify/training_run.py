"""One training run judged again: its data, the scores of its candidate, the figures of the gate and what it must have decided."""
from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Iterator

import flights_csv
import gate
from context import MODEL, Context
from datasets import SPLITS, Dataset
from model import TOLERANCE, Model
from registry import NONE, epoch, fetched
from scores import Ranked, average_precision, brier, mean, roc_auc, standard_error, student_quantile

COLUMNS = ["block", "label", "baseline", "candidate", "current"]
EXACT = 1e-9
RESAMPLES = 200
GATE_RESAMPLES = 1000
"""Those of the gate, by its documentation."""
SPREAD = 4 * math.sqrt(1 / (2 * RESAMPLES) + 1 / (2 * GATE_RESAMPLES))
"""Share by which two standard errors from other draws may differ: one from n resamples is off by 1 / sqrt(2 n) of itself; four times both together."""


def listed(problems: Callable[[Any], Iterator[str]]) -> cached_property[list[str]]:
    """What a run's objects say does not change while they are looked at."""
    found: cached_property[list[str]] = cached_property(lambda run: list(problems(run)))
    found.__doc__ = problems.__doc__
    return found


@dataclass(frozen=True)
class TrainingRun:
    """A row of the runs table. Everything here is derived from the account, nothing from the report."""

    row: dict[str, Any]
    dataset: Dataset
    context: Context
    law: gate.Rules

    @property
    def id(self) -> str:
        return self.row["pk"].removeprefix("run#")

    @property
    def plan(self) -> dict[str, Any]:
        return self.row["plan"]

    @property
    def verdict(self) -> dict[str, Any]:
        return self.row["verdict"]

    @property
    def seconds(self) -> float:
        """From its start to its end."""
        return epoch(self.row["endedAt"]) - epoch(self.row["startedAt"])

    def read(self, place: str, name: str) -> bytes:
        return fetched(self.context.account, f"{self.plan['uris'][place]}/{name}")

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        return json.loads(self.read("evaluation", "evaluation.json"))

    @cached_property
    def job(self) -> dict[str, Any]:
        """The training job."""
        return self.context.account.client("sagemaker").describe_training_job(TrainingJobName=self.plan["jobs"]["train"])

    @cached_property
    def stored_verdict(self) -> dict[str, Any]:
        return json.loads(self.read("gate", "gate.json"))

    @cached_property
    def lines(self) -> list[list[str]]:
        """The evaluation, row by row. Raises LookupError for other columns."""
        text = gzip.decompress(self.read("evaluation", "predictions.csv.gz")).decode("utf-8")
        header, *lines = csv.reader(io.StringIO(text))
        if header != COLUMNS:
            raise LookupError(f"predictions.csv.gz has the columns {','.join(header)}")
        return lines

    @cached_property
    def candidate(self) -> Model:
        return Model.packed(fetched(self.context.account, self.plan["uris"]["candidate"]))

    @cached_property
    def candidate_scores(self) -> list[float]:
        """By our own arithmetic on the artefact as it lies there now."""
        return [self.candidate.probability(flight.question) for flight in self.dataset.judged]

    @cached_property
    def compared_with(self) -> str | None:
        """The version that served when the candidate was judged; one that took over meanwhile, if the scores are its."""
        served = sorted(self.context.registry.served(epoch(self.row["startedAt"]), epoch(self.row["endedAt"]), 0))
        fitting = [arn for arn in served if not list(self._current_problems(self._scores_of(arn)))]
        found = [*fitting, *served][0]
        return None if found == NONE else found

    def _scores_of(self, arn: str | None) -> list[float] | None:
        if arn in (None, NONE):
            return None
        version = self.context.registry.by_arn(arn)
        if version is None:
            raise LookupError(f"{arn} served, but is not registered")
        return [version.model.probability(flight.question) for flight in self.dataset.judged]

    @cached_property
    def current_scores(self) -> list[float] | None:
        return self._scores_of(self.compared_with)

    def _as_stored(self, column: int, scores: list[float]) -> list[float]:
        """Our scores, as the file has them where it is nearly the same: by a rounding error, two flights may rank the other way round."""
        stored = [float(line[column] or "nan") for line in self.lines]
        return [there if abs(there - own) <= TOLERANCE else own for there, own in zip(stored, scores)]

    @cached_property
    def figures(self) -> dict[str, float]:
        """What the gate must have measured, but for the bounds."""
        labels = [flight.label or 0 for flight in self.dataset.judged]
        baseline, candidate = self._as_stored(2, self.dataset.baseline), self._as_stored(3, self.candidate_scores)
        current = None if self.current_scores is None else self._as_stored(4, self.current_scores)
        precision = [average_precision(scores, labels) for scores in (candidate, baseline, *([] if current is None else [current]))]
        found = {"averagePrecision": precision[0], "baselineAveragePrecision": precision[1], "difference": precision[0] - precision[-1]}
        if current is not None:
            found["currentAveragePrecision"] = precision[2]
        return {
            **found,
            "level": gate.level(self.law["alpha"], self.number),
            "rows": len(labels),
            "blocks": len(self.days),
            "auc": roc_auc(candidate, labels),
            "brier": brier(candidate, labels),
            "baselineBrier": brier(baseline, labels),
            "meanScore": mean(candidate),
            "meanLabel": mean(labels),
            "candidateNumber": self.number,
            "latencyP99Ms": self.evaluation["latencyMs"]["p99"],
        }

    @cached_property
    def days(self) -> list[str]:
        return sorted({flight.day for flight in self.dataset.judged})

    @cached_property
    def number(self) -> int:
        """How many candidates the dataset had by then."""
        rows = self.context.account.table(self.context.outputs[f"{MODEL}TrainingRuns"])
        same = [row for row in rows if row["pk"].startswith("run#") and row["plan"]["datasetId"] == self.dataset.id]
        return sum(row["startedAt"] <= self.row["startedAt"] for row in same)

    @cached_property
    def error(self) -> float:
        """Standard error of the difference, by resampling days."""
        labels = [flight.label or 0 for flight in self.dataset.judged]
        blocks = [self.days.index(flight.day) for flight in self.dataset.judged]
        other = self.dataset.baseline if self.current_scores is None else self.current_scores
        return standard_error(Ranked(self.candidate_scores, labels, blocks), Ranked(other, labels, blocks), len(self.days), RESAMPLES)

    @cached_property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Each lower bound, and how far another draw of the days may lie from it."""
        level = self.figures["level"]
        levels = {"lowerBound": level} if self.current_scores is None else {"lowerBound": self.law["alpha"], "strictLowerBound": level}
        reach = {name: student_quantile(1 - value, len(self.days) - 1) * self.error for name, value in levels.items()}
        return {name: (self.figures["difference"] - far, SPREAD * far) for name, far in reach.items()}

    @property
    def newer(self) -> bool:
        """Whether its data was published after that of the version that it is compared with."""
        version = self.context.registry.by_arn(self.compared_with)
        if version is None:
            return False
        published = {row["id"]: row["publishedAt"] for row in self.context.account.table(self.context.outputs["CatalogTable"])}
        before = version.says["dataset-id"]
        return before != self.dataset.id and published[self.dataset.id] > published[before]

    @cached_property
    def case(self) -> gate.Case:
        return gate.Case(self.number, self.newer, self.evaluation["latencyMs"]["count"], tuple(self.evaluation["signatureProblems"]))

    def due(self, figures: dict[str, float]) -> list[str]:
        """What the gate must say when it measured these figures, our own but for the bounds."""
        own = {**self.figures, **{name: figures.get(name, math.nan) for name in self.bounds}}
        return gate.reasons(own, self.law, self.case) if gate.enough(own, self.law) else ["there is too little to judge by"]

    def figure_problems(self, given: dict[str, float]) -> Iterator[str]:
        """Figures that differ from ours; bounds may by what chance explains."""
        wanted = {**{name: (value, EXACT) for name, value in self.figures.items()}, **self.bounds}
        for name in sorted({*wanted, *given}):
            value, within = wanted.get(name, (math.nan, 0.0))
            if not abs(given.get(name, math.nan) - value) <= within:
                yield f"{name} is {given.get(name)}, not {value:.6g} to within {within:.2g}"

    @listed
    def split_problems(self) -> Iterator[str]:
        stored, wanted = json.loads(self.read("data", "summary.json")), self.dataset.summary
        yield from (f"{name} is {stored.get(name)}, not {wanted.get(name)}" for name in sorted({*stored, *wanted}) if stored.get(name) != wanted.get(name))
        for name in SPLITS:
            header, *lines = gzip.decompress(self.read(name, "records.csv.gz")).decode("utf-8").removesuffix("\n").split("\n")
            there, own = Counter(lines), Counter(flight.written for flight in self.dataset.splits[name])
            if header.split(",") != [*flights_csv.columns(), *self.dataset.features]:
                yield f"{name} has the columns {header}"
            if there != own:
                yield f"{name} lacks {(own - there).total()} records and has {(there - own).total()} others"

    @listed
    def truth_problems(self) -> Iterator[str]:
        """Day, label and baseline of each row follow from the CSV."""
        if len(self.lines) != len(self.dataset.judged) or self.evaluation["labelled"] != len(self.lines):
            yield f"{len(self.lines)} rows, {self.evaluation['labelled']} told, {len(self.dataset.judged)} flights have a label"
        for at, (line, flight, rate) in enumerate(zip(self.lines, self.dataset.judged, self.dataset.baseline), 1):
            if line[:2] != [flight.day, str(flight.label)] or abs(float(line[2]) - rate) > TOLERANCE:
                yield f"row {at} is {line[:3]}, not {flight.day}, {flight.label}, {rate:.6g}"

    @listed
    def candidate_problems(self) -> Iterator[str]:
        if self.candidate.version != self.plan["jobs"]["train"]:
            yield f"the artefact is of {self.candidate.version}"
        for at, (line, score) in enumerate(zip(self.lines, self.candidate_scores), 1):
            if abs(float(line[3]) - score) > TOLERANCE:
                yield f"row {at} has {line[3]}, not {score:.9f}"

    @listed
    def current_problems(self) -> Iterator[str]:
        return self._current_problems(self.current_scores)

    def _current_problems(self, scores: list[float] | None) -> Iterator[str]:
        for at, line in enumerate(self.lines):
            if (line[4] == "") != (scores is None) or (scores is not None and abs(float(line[4]) - scores[at]) > TOLERANCE):
                yield f"row {at + 1} has {line[4] or 'nothing'}, not {'nothing' if scores is None else scores[at]}"

    @listed
    def identity_problems(self) -> Iterator[str]:
        """The run's id says what it was made of, and its manifest is that of the dataset."""
        features = {"featuresSha256": self.plan["featuresSha256"]} if "featuresSha256" in self.plan else {}
        inputs = {"code": self.plan["codeRevision"], "dataset": self.dataset.id, **features, "parameters": dict(sorted(self.plan["parameters"].items()))}
        wanted = hashlib.sha256(json.dumps(inputs, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        if wanted != self.id:
            yield f"its id is not the SHA-256 of its inputs, {wanted}"
        yield from self._definition_problems(features.get("featuresSha256"))
        rows = {row["id"]: row for row in self.context.account.table(self.context.outputs["CatalogTable"])}
        row = rows[self.dataset.id]
        if [self.plan["manifest"]["key"], self.plan["manifest"]["versionId"]] != [row["manifest"], row["manifestVersion"]]:
            yield "its manifest is another than the catalogue's"
        if self.evaluation["datasetId"] != self.dataset.id or self.evaluation["rows"] != len(self.dataset.splits["test"]):
            yield f"it was evaluated on {self.evaluation['rows']} rows of {self.evaluation['datasetId']}"
        inputs_of = {channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in self.job["InputDataConfig"]}
        if inputs_of != {name: self.plan["uris"][name] for name in ("train", "validation")}:
            yield f"its job read {inputs_of}"
        if self.job["ModelArtifacts"]["S3ModelArtifacts"] != self.plan["uris"]["candidate"]:
            yield "its job made another artefact"

    def _definition_problems(self, digest: str | None) -> Iterator[str]:
        """The definitions of features that the id covers are those that the preparing job was given, and name what the model is told."""
        described = self.context.account.client("sagemaker").describe_processing_job(ProcessingJobName=self.plan["jobs"]["prepare"])
        given = [item["S3Input"]["S3Uri"] for item in described["ProcessingInputs"] if item["InputName"] == "features"]
        texts = [fetched(self.context.account, uri) for uri in given]
        if [hashlib.sha256(text).hexdigest() for text in texts] != ([] if digest is None else [digest]):
            yield f"its id covers the features {digest}, its data was prepared with {', '.join(given) or 'none'}"
        names = [definition["name"] for text in texts for definition in json.loads(text)]
        if names != list(self.dataset.features):
            yield f"it was prepared with {', '.join(names) or 'no features'}, the model is told {', '.join(self.dataset.features) or 'none'}"
