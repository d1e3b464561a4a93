"""The example through all three programs, from records to an evaluation, ends with the figures that are committed. [R1] [R2]"""
from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from job_programs import ROOT, Dataset, divided, load

MODEL = ROOT / "examples" / "flight-delays" / "model"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/opt/ml of one run: prepared, trained and evaluated."""
    return run(tmp_path_factory.mktemp("ml"))


@pytest.fixture(scope="module")
def root_with_aggregate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the aggregate as a column of the prepared data."""
    return run(tmp_path_factory.mktemp("ml"), str(MODEL / "features.json"))


def run(root: Path, features: str | None = None) -> Path:
    with gzip.open(ROOT / "examples" / "flight-delays" / "data" / "flights.csv.gz", "rt", encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    dataset = Dataset()
    rows = {}
    for month in ("3", "1", "4", "2"):
        rows[month] = dataset.csv([header, *(line for line in lines if line.split(",", 2)[1] == month)])["rows"]
    split = divided((rows["1"] + rows["2"], rows["3"], rows["4"]), days=("2013-01-01", "2013-03-01", "2013-04-01", "2013-05-01"))
    load(ROOT / "jobs" / "prepare.py").prepare(dataset.store, dataset.options(root / "processing", split, features=features))
    train(root, root / "model")
    for name, folder in (("candidate", root / "model"), ("code", MODEL)):
        (root / "processing" / name).mkdir()
        with tarfile.open(root / "processing" / name / "files.tar.gz", "w:gz") as tar:
            tar.add(folder, ".")
    output = str(root / "processing" / "output")
    subprocess.run([sys.executable, str(ROOT / "jobs" / "evaluate.py"), "--dataset-id", "d", "--output", output], check=True, stdout=subprocess.DEVNULL)
    return root


def command(root: Path, out: Path) -> dict[str, Any]:
    """train.py as the training toolkit starts it."""
    channels = {f"SM_CHANNEL_{name.upper()}": str(root / "processing" / name) for name in ("train", "validation")}
    env = {**os.environ, **channels, "SM_MODEL_DIR": str(out), "TRAINING_JOB_NAME": "job-1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"args": [sys.executable, str(MODEL / "train.py"), "--c", "1.0", "--warn-share", "0.3"], "env": env, "text": True}


def train(root: Path, out: Path) -> str:
    return subprocess.run(**command(root, out), check=True, stdout=subprocess.PIPE).stdout


def committed() -> dict[str, Any]:
    return json.loads((MODEL / "metrics.json").read_text(encoding="utf-8"))


def parameters(folder: Path) -> list[float]:
    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return [*model["coefficients"], model["intercept"], model["threshold"]]


def figures(scores: list[float], labels: list[int]) -> dict[str, float]:
    """Step-wise average precision, Mann-Whitney area and mean squared error; equal scores are one step."""
    steps: dict[float, list[int]] = {}
    for score, label in zip(scores, labels):
        steps.setdefault(score, [0, 0])[label] += 1
    positives, seen, hits, precision, area = sum(labels), 0, 0, 0.0, 0.0
    for score in sorted(steps, reverse=True):
        negative, positive = steps[score]
        area += negative * (hits + positive / 2)
        seen, hits = seen + negative + positive, hits + positive
        precision += positive / positives * hits / seen
    error = sum((score - label) ** 2 for score, label in zip(scores, labels)) / len(labels)
    return {"auc": area / positives / (len(labels) - positives), "average_precision": precision, "brier": error}


def predictions(root: Path) -> list[dict[str, str]]:
    with gzip.open(root / "processing" / "output" / "predictions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_data_with_the_aggregate_gives_a_model_that_takes_it_and_the_committed_figures(root_with_aggregate: Path) -> None:
    rows = predictions(root_with_aggregate)
    found = figures([float(row["candidate"]) for row in rows], [int(row["label"]) for row in rows])
    assert found == pytest.approx(committed()["april_with_origin_delay"], abs=1e-4)
    report = json.loads((root_with_aggregate / "processing" / "output" / "evaluation.json").read_text(encoding="utf-8"))
    assert report["fields"] == ["minute_of_day", "weekday", "distance", "carrier", "origin", "dest", "origin_delay"] and report["signatureProblems"] == []
    with gzip.open(root_with_aggregate / "processing" / "test" / "records.csv.gz", "rt", encoding="utf-8", newline="") as file:
        assert sum(row["origin_delay"] == "" for row in csv.DictReader(file)) == 1083


def test_a_second_computation_finds_the_committed_april_figures_in_the_predictions(root: Path) -> None:
    rows = predictions(root)
    labels = [int(row["label"]) for row in rows]
    assert figures([float(row["candidate"]) for row in rows], labels) == pytest.approx(committed()["april"], abs=1e-4)
    assert figures([float(row["baseline"]) for row in rows], labels) == pytest.approx(committed()["april_baseline"], abs=1e-4)
    assert len(rows) == committed()["rows"]["april"] and {row["block"] for row in rows} == {f"2013-04-{day:02d}" for day in range(1, 31)}


def test_the_job_trains_the_committed_model_and_packs_what_serves_it(root: Path) -> None:
    assert parameters(root / "model") == pytest.approx(parameters(MODEL / "package"), abs=1e-6)
    files = sorted(path.relative_to(root / "model").as_posix() for path in (root / "model").rglob("*") if path.is_file())
    assert files == ["code/features.py", "code/inference.py", "metrics.json", "model.json"]
    reached = json.loads((root / "model" / "metrics.json").read_text(encoding="utf-8"))
    assert reached["rows"] == {"trained": committed()["rows"]["trained"], "without_label": committed()["rows"]["without_label"]}
    assert 0.62 <= reached["validation"]["auc"] <= 0.72
    assert json.loads((root / "model" / "model.json").read_text(encoding="utf-8"))["version"] == "job-1"


def test_the_evaluation_says_how_fast_and_by_which_fields(root: Path) -> None:
    report = json.loads((root / "processing" / "output" / "evaluation.json").read_text(encoding="utf-8"))
    assert report["fields"] == ["minute_of_day", "weekday", "distance", "carrier", "origin", "dest"] and report["signatureProblems"] == []
    assert report["rows"] == 28330 and report["labelled"] == 27564 and report["latencyMs"]["count"] >= 500


KILLED = """
import os, runpy, signal, sys
_, name, *sys.argv = sys.argv
replace = os.replace
def replace_and_die(source, target):
    replace(source, target)
    if os.path.basename(target) == name and os.path.basename(os.path.dirname(target)) == "checkpoints":
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace_and_die
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("checkpoint", ["candidate.json", "model.json"])
def test_a_training_that_is_killed_goes_on_from_its_checkpoint_to_the_same_model(root: Path, tmp_path: Path, checkpoint: str) -> None:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    started = command(root, tmp_path / "model")
    # It ends where the checkpoint is in place, however slow or fast the machine is: nobody has to be there in time.
    killed = subprocess.run([sys.executable, "-c", KILLED, checkpoint, *started["args"][1:]], env=started["env"], stdout=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "model" / "model.json").exists()
    saved = json.loads((checkpoints / checkpoint).read_text(encoding="utf-8"))
    assert f"resumed after {saved['steps']} steps of an interrupted start" in train(root, tmp_path / "model")
    assert parameters(tmp_path / "model") == pytest.approx(parameters(root / "model"), abs=2e-9)


def test_a_checkpoint_that_is_torn_or_of_other_data_is_not_used(root: Path, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "candidate.json").write_text('{"identity": "')
    (checkpoints / "model.json").write_text('{"identity": "other", "steps": 9, "coefficients": [1], "intercept": 1}')
    told = train(root, tmp_path / "model")
    assert "the checkpoint cannot be read: starting anew" in told and "the checkpoint is of other data or parameters: starting anew" in told
    assert parameters(tmp_path / "model") == parameters(root / "model")
