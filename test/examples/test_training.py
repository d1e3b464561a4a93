"""The committed model is what its training gives, its figures hold by a second computation, and a leak is refused."""
from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flight-delays"


def load(name: str) -> ModuleType:
    """A module of the example with its neighbours, which training finds beside it."""
    if str(EXAMPLE / "model") not in sys.path:
        sys.path.insert(0, str(EXAMPLE / "model"))
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLE / "model" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def training() -> ModuleType:
    return load("report")


@pytest.fixture(scope="module")
def trained(training: ModuleType) -> tuple[dict[str, Any], dict[str, Any]]:
    return training.report(str(EXAMPLE / "data"))


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return json.loads((EXAMPLE / "model" / "package" / "model.json").read_text(encoding="utf-8"))


def test_retraining_gives_the_committed_model_on_any_version_of_the_libraries(trained: tuple[dict, dict], committed: dict) -> None:
    model, _ = trained
    assert {k: v for k, v in model.items() if k not in ("coefficients", "intercept", "threshold")} == {
        k: v for k, v in committed.items() if k not in ("coefficients", "intercept", "threshold")
    }
    assert model["coefficients"] == pytest.approx(committed["coefficients"], abs=1e-6)
    assert [model["intercept"], model["threshold"]] == pytest.approx([committed["intercept"], committed["threshold"]], abs=1e-6)


def test_the_committed_figures_are_those_of_the_committed_model(trained: tuple[dict, dict]) -> None:
    figures = json.loads((EXAMPLE / "model" / "metrics.json").read_text(encoding="utf-8"))
    for part in ("april", "april_with_origin_delay", "april_baseline", "april_objective", "april_objective_with_origin_delay", "rows"):
        assert trained[1][part] == pytest.approx(figures[part], abs=0.1 if "objective" in part else 2e-4)
    assert 0.67 <= figures["april_with_origin_delay"]["auc"] <= 0.74


def test_a_record_without_recent_departures_is_scored_by_its_schedule_and_a_flag(training: ModuleType) -> None:
    features = sys.modules["features"]
    assert features.recent_delay([None, 0.0, 30.0, 9999.0, -500.0]).tolist() == [[0, 0, 1], [0, 0, 0], [0.5, 0.25, 0], [2, 4, 0], [-1 / 6, 1 / 36, 0]]


def april() -> list[dict[str, str]]:
    with gzip.open(EXAMPLE / "data" / "flights.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["month"] == "4" and row["arr_delay"] != "NA"]


def probability(model: dict[str, Any], row: dict[str, str]) -> float:
    """The logistic regression by hand: one indicator per level in the order of the artefact, then day, day squared, distance."""
    import datetime

    minute = int(row["hour"]) * 60 + int(row["minute"])
    weekday = datetime.date(int(row["year"]), int(row["month"]), int(row["day"])).isoweekday()
    given = {"carrier": row["carrier"], "origin": row["origin"], "dest": row["dest"], "weekday": str(weekday), "hour": row["hour"].lstrip("0") or "0"}
    weights, total, offset = model["coefficients"], model["intercept"], 0
    for name in ("carrier", "origin", "dest", "weekday", "hour"):
        levels = model["levels"][name]
        if given[name] in levels:
            total += weights[offset + levels.index(given[name])]
        offset += len(levels)
    day = minute / 1440
    total += weights[offset] * day + weights[offset + 1] * day * day + weights[offset + 2] * float(row["distance"]) / 1000
    return 1 / (1 + math.exp(-total))


def test_a_second_computation_finds_the_same_april_figures_and_beats_the_baseline(committed: dict) -> None:
    rows = april()
    scores = [probability(committed, row) for row in rows]
    late = [float(row["arr_delay"]) > 15 for row in rows]
    # AUC as the Mann-Whitney statistic over midranks.
    ranked = sorted(range(len(rows)), key=scores.__getitem__)
    ranks, i = [0.0] * len(rows), 0
    while i < len(rows):
        j = i
        while j + 1 < len(rows) and scores[ranked[j + 1]] == scores[ranked[i]]:
            j += 1
        for k in range(i, j + 1):
            ranks[ranked[k]] = (i + j) / 2 + 1
        i = j + 1
    positives = sum(late)
    area = (sum(rank for rank, is_late in zip(ranks, late) if is_late) - positives * (positives + 1) / 2) / (positives * (len(rows) - positives))
    brier = sum((score - is_late) ** 2 for score, is_late in zip(scores, late)) / len(rows)
    warned = [score >= committed["threshold"] for score in scores]
    recall = 100 * sum(w and is_late for w, is_late in zip(warned, late)) / positives
    figures = json.loads((EXAMPLE / "model" / "metrics.json").read_text(encoding="utf-8"))
    assert [area, brier] == pytest.approx([figures["april"]["auc"], figures["april"]["brier"]], abs=1e-4)
    assert [recall, 100 * sum(warned) / len(rows)] == pytest.approx(list(figures["april_objective"].values()), abs=0.05)
    assert area > figures["april_baseline"]["auc"] and brier < figures["april_baseline"]["brier"]
    assert 0.62 <= area <= 0.72


def test_fails_on_a_model_that_knows_the_outcome(training: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fitting = sys.modules["fitting"]
    honest = fitting.columns
    monkeypatch.setattr(fitting, "columns", lambda rows: {**honest(rows), "distance": [1000.0 * (row["arr_delay"] != "NA" and float(row["arr_delay"]) > 15) for row in rows]})
    with pytest.raises(SystemExit, match="SuspectedLeak: April AUC"):
        training.report(str(EXAMPLE / "data"))


def test_fails_on_a_column_that_a_request_does_not_bring(training: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fitting = sys.modules["fitting"]
    honest = fitting.columns
    monkeypatch.setattr(fitting, "columns", lambda rows: {**honest(rows), "dep_delay": [0.0] * len(rows)})
    with pytest.raises(SystemExit, match="UnservedColumn: a prediction request does not bring dep_delay"):
        training.report(str(EXAMPLE / "data"))


def test_fails_without_data(training: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="NoData: no .csv or .csv.gz file"):
        training.report(str(tmp_path))


ASKED = {"minute_of_day": [600], "weekday": [1], "distance": [500.0], "carrier": ["UA"], "origin": ["EWR"], "dest": ["ORD"]}


@pytest.mark.parametrize(
    "takes, asked, problem",
    [
        (False, {"origin_delay": [None]}, "input 'origin_delay' is not one of minute_of_day, weekday, distance, carrier, origin, dest"),
        (True, {}, "input 'origin_delay' (FP64) is missing"),
        (True, {"origin_delay": ["much"]}, "input 'origin_delay' must be numbers or null"),
        (True, {"origin_delay": [True]}, "input 'origin_delay' must be numbers or null"),
        (False, {}, None),
        (True, {"origin_delay": [None]}, None),
        (True, {"origin_delay": [-3]}, None),
    ],
)
def test_a_model_says_whether_it_takes_the_aggregate(training: ModuleType, committed: dict, takes: bool, asked: dict, problem: str | None) -> None:
    model = {**committed, "fields": {**committed["fields"], "origin_delay": "FP64"}, "coefficients": [*committed["coefficients"], 1.0, 0.0, 0.5]}
    program = load("package/code/inference")
    body = json.dumps({"inputs": [{"name": name, "data": data} for name, data in {**ASKED, **asked}.items()]})
    answer = program.predict_fn(program.input_fn(body), model if takes else committed)
    assert answer.get("refused") == problem
    assert problem is not None or 0 < answer["probability"][0] < 1
