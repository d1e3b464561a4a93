"""Candidates are scored through the code that serves them, each in a process of its own, and what they refuse is told. [R2] [L3]"""
from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from job_programs import ROOT, load

EVALUATION = """
from helper import OWNER
def request(rows): return {"inputs": [{"name": "x", "datatype": "FP64", "shape": [len(rows)], "data": [float(row["x"]) for row in rows]}]}
def score(answer): return answer["scores"]
def label(row): return None if row["late"] == "NA" else int(row["late"])
def block(row): return row["day"]
def baseline(train, rows): return [sum(int(row["late"]) for row in train) / len(train)] * len(rows)
assert OWNER == "job"
"""
INFERENCE = """
import json, os
from helper import OWNER
assert os.environ["SM_MODEL_DIR"] + "/code" == os.environ["SAGEMAKER_SUBMIT_DIRECTORY"] == os.path.dirname(os.path.abspath(__file__))
def model_fn(folder): return json.load(open(os.path.join(folder, "model.json")))
def input_fn(body, kind): return json.loads(body)["inputs"][0]["data"]
def predict_fn(data, model): return {"scores": [value * model["weight"] for value in data]}
def output_fn(result, accept): return json.dumps({**result, "owner": OWNER}), accept
"""
RESPONSE = "from sagemaker_containers.beta.framework import worker\n"


class Job:
    """The folders of an evaluation job, as SageMaker fills them."""

    def __init__(self, root: Path, program: ModuleType) -> None:
        self.root, self.program = root, program
        self.rows("train", ["1,0,a", "2,1,a", "3,0,b", "4,0,b"])
        self.rows("test", [f"{i / 2000},{i % 2},{i // 100}" for i in range(1200)])
        self.archive("code", {"evaluation.py": EVALUATION, "helper.py": "OWNER = 'job'"})
        self.model("candidate", weight=0.5)

    def rows(self, channel: str, lines: list[str], columns: str = "x,late,day") -> None:
        (self.root / channel).mkdir(exist_ok=True)
        (self.root / channel / "records.csv.gz").write_bytes(gzip.compress("\n".join([columns, *lines, ""]).encode()))

    def model(self, name: str, weight: float, more: str = "") -> None:
        content = {"model.json": json.dumps({"weight": weight}), "code/inference.py": INFERENCE + more, "code/helper.py": f"OWNER = '{name}'"}
        self.archive(name, content)

    def archive(self, name: str, content: dict[str, str]) -> None:
        (self.root / name).mkdir(exist_ok=True)
        files = self.root / f"{name}-files"
        with tarfile.open(self.root / name / "model.tar.gz", "w:gz") as tar:
            for path, text in content.items():
                (files / path).parent.mkdir(parents=True, exist_ok=True)
                (files / path).write_text(text, encoding="utf-8")
                tar.add(files / path, path)

    def run(self) -> dict[str, Any]:
        return self.program.evaluate(str(self.root), "d1", str(self.root / "output"))

    def predictions(self) -> list[dict[str, str]]:
        with gzip.open(self.root / "output" / "predictions.csv.gz", "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path, load(ROOT / "jobs" / "evaluate.py"))


def test_each_labelled_row_has_its_block_label_and_scores(job: Job) -> None:
    job.rows("test", ["0.2,1,a", "0.4,NA,a", "0.6,0,b"])
    report = job.run()
    assert job.predictions() == [
        {"block": "a", "label": "1", "baseline": "0.25", "candidate": "0.1", "current": ""},
        {"block": "b", "label": "0", "baseline": "0.25", "candidate": "0.3", "current": ""},
    ]
    assert report == json.loads((job.root / "output" / "evaluation.json").read_text())
    assert (report["rows"], report["labelled"], report["fields"], report["datasetId"], report["signatureProblems"]) == (3, 2, ["x"], "d1", [])
    latency = report["latencyMs"]
    assert latency["count"] == 500 and 0 < latency["p50"] <= latency["p90"] <= latency["p99"]


def test_rows_keep_their_order_over_batches(job: Job) -> None:
    job.run()
    assert [float(row["candidate"]) for row in job.predictions()] == [i / 2000 * 0.5 for i in range(1200)]


def test_the_current_version_is_asked_too_with_modules_of_the_same_names(job: Job) -> None:
    job.model("current", weight=1)
    job.run()
    found = job.predictions()
    assert [float(row["current"]) for row in found] == [i / 2000 for i in range(1200)] and float(found[600]["candidate"]) == 0.15


WITH_WIND = EVALUATION.replace('[{"name": "x",', '[{"name": "wind", "data": [row["wind"] for row in rows]}, {"name": "x",')
STRICT = """
def input_fn(body, kind):
    names = [tensor["name"] for tensor in json.loads(body)["inputs"]]
    assert names == WANTED, f"wants {WANTED}, got {names}"
    return json.loads(body)["inputs"][-1]["data"]
"""


def with_a_new_field(job: Job) -> None:
    """A candidate that asks for the wind, beside a current version that knows nothing of it; each refuses requests for the other."""
    job.rows("test", [f"{i / 2000},{i % 2},{i // 100},{i}" for i in range(1200)], columns="x,late,day,wind")
    job.archive("code", {"evaluation.py": WITH_WIND, "helper.py": "OWNER = 'job'"})
    job.model("candidate", weight=0.5, more=f"WANTED = ['wind', 'x']\n{STRICT}")
    job.model("current", weight=1, more=f"WANTED = ['x']\n{STRICT}")


def test_a_current_version_is_asked_through_its_own_code_when_the_candidate_has_a_new_field(job: Job) -> None:
    with_a_new_field(job)
    job.archive("current-code", {"evaluation.py": EVALUATION.replace("job", "old"), "helper.py": "OWNER = 'old'"})
    report = job.run()
    found = job.predictions()
    assert [float(row["current"]) for row in found] == [i / 2000 for i in range(1200)]
    assert [float(row["candidate"]) for row in found] == [i / 4000 for i in range(1200)]
    assert report["fields"] == ["wind", "x"] and report["signatureProblems"] == []


def test_labels_blocks_and_baseline_are_those_of_the_candidates_code(job: Job) -> None:
    job.model("current", weight=1)
    other = EVALUATION.replace('int(row["late"])', "1").replace('row["day"]', '"some day"').replace("sum(", "0 * sum(").replace("job", "old")
    job.archive("current-code", {"evaluation.py": other, "helper.py": "OWNER = 'old'"})
    job.run()
    assert {(row["block"], row["label"], row["baseline"]) for row in job.predictions()[:2]} == {("0", "0", "0.25"), ("0", "1", "0.25")}


def test_the_answers_of_a_current_version_are_read_by_its_own_code_numpy_arrays_too(job: Job) -> None:
    job.model("current", weight=1, more="def output_fn(result, accept): return json.dumps({'old': result['scores']})\n")
    other = EVALUATION.replace('return answer["scores"]', 'import numpy; return numpy.array(answer["old"])').replace("job", "old")
    job.archive("current-code", {"evaluation.py": other, "helper.py": "OWNER = 'old'"})
    job.run()
    assert float(job.predictions()[600]["current"]) == 0.3


def test_a_version_that_came_without_code_is_asked_through_the_candidates(job: Job) -> None:
    with_a_new_field(job)
    with pytest.raises(job.program.Refused, match=r"refuses the requests of the candidate's evaluation.py, for it came with none: .*wants \['x'\]"):
        job.run()


def test_the_baseline_knows_what_the_candidate_was_fitted_on(job: Job) -> None:
    job.rows("validation", ["1,1,c"] * 4)
    job.run()
    assert job.predictions()[0]["baseline"] == "0.625"


def test_a_refused_column_is_a_signature_problem_in_the_models_words(job: Job) -> None:
    refusal = "def output_fn(result, accept): return worker.Response(json.dumps({'error': \"input 'y' is missing\"}), status=400, mimetype=accept)\n"
    job.model("candidate", weight=1, more=RESPONSE + refusal)
    report = job.run()
    assert report["signatureProblems"] == ["status 400: {\"error\": \"input 'y' is missing\"}"]
    assert {row["candidate"] for row in job.predictions()} == {""} and report["labelled"] == 1200


def test_what_a_model_raises_is_told_once_and_no_more_than_three_texts_are(job: Job) -> None:
    job.model("candidate", weight=1, more="def predict_fn(data, model): raise KeyError('y')\n")
    assert job.run()["signatureProblems"] == ["KeyError: 'y'"]
    job.model("candidate", weight=1, more="def predict_fn(data, model): raise KeyError(str(data[0]))\n")
    job.rows("test", [f"{i},0,a" for i in range(2500)])
    assert len(job.run()["signatureProblems"]) == 3


def test_an_answer_that_is_a_response_without_an_error_counts(job: Job) -> None:
    job.model("candidate", weight=1, more=RESPONSE + "def output_fn(result, accept): return worker.Response(json.dumps(result))\n")
    assert job.run()["signatureProblems"] == [] and job.predictions()[3]["candidate"] == "0.0015"


def test_the_response_of_the_serving_image_is_read_as_flask_has_it(job: Job) -> None:
    refused = SimpleNamespace(status="400 BAD REQUEST", status_code=400, get_data=lambda: b"no")
    assert job.program.answered(refused) == ("no", 400)
    assert job.program.answered((b"{}", "application/json")) == ("{}", 200)


def test_a_score_that_is_no_number_is_left_for_the_gate_to_refuse(job: Job) -> None:
    job.model("candidate", weight=1, more="def predict_fn(data, model): return {'scores': [float('nan')] * len(data)}\n")
    job.run()
    assert {row["candidate"] for row in job.predictions()} == {"nan"}


def test_a_slow_model_is_measured_as_slow(job: Job) -> None:
    job.model("candidate", weight=1, more="import time\ndef predict_fn(data, model):\n time.sleep(0.004)\n return {'scores': data}\n")
    assert job.run()["latencyMs"]["p50"] >= 4


def test_a_program_without_input_and_output_functions_has_those_of_the_container(job: Job) -> None:
    content = {"code/inference.py": "def model_fn(folder): return 1\ndef predict_fn(data, model): return {'scores': data['inputs'][0]['data']}\n"}
    job.archive("candidate", content)
    job.run()
    assert job.predictions()[3]["candidate"] == "0.0015"


def broken(job: Job, what: str) -> None:
    if what == "link":
        with tarfile.open(job.root / "candidate" / "model.tar.gz", "w:gz") as tar:
            member = tarfile.TarInfo("code")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc"
            tar.addfile(member)
    elif what == "outside":
        with tarfile.open(job.root / "candidate" / "model.tar.gz", "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("../../escaped"))
    elif what == "two":
        (job.root / "candidate" / "other.tar.gz").write_bytes(b"")
    elif what == "empty":
        job.archive("candidate", {"model.json": "{}"})
    elif what == "broken":
        job.model("candidate", weight=1, more="raise ValueError('not today')\n")
    elif what == "short":
        job.model("candidate", weight=1, more="def predict_fn(data, model): return {'scores': [0.5]}\n")
    elif what == "current":
        job.model("current", weight=1, more="def predict_fn(data, model): raise KeyError('z')\n")
    elif what == "own":
        broken(job, "current")
        job.archive("current-code", {"evaluation.py": EVALUATION, "helper.py": "OWNER = 'job'"})
    elif what == "column":
        job.model("current", weight=1)
        job.archive("current-code", {"evaluation.py": WITH_WIND, "helper.py": "OWNER = 'job'"})
    elif what == "labels":
        job.rows("test", ["1,NA,a"])


@pytest.mark.parametrize(
    "what, message",
    [
        ("link", "BadArchive: model.tar.gz has the member 'code', which leaves its folder or is a link"),
        ("outside", "BadArchive: model.tar.gz has the member '../../escaped'"),
        ("two", "NoArchive: .*candidate must hold one .tar.gz, found 2"),
        ("empty", "ModelDoesNotLoad: the model in model.tar.gz ended with 1: NoProgram: there is no inference.py"),
        ("broken", "ModelDoesNotLoad: .* ended with 1: ValueError: not today"),
        ("short", r"OtherLength: score\(\) gave 1 scores for 500 rows"),
        ("current", "CurrentRefuses: the version that serves refuses the requests of the candidate's evaluation.py, for it came with none: KeyError: 'z'"),
        ("own", "CurrentRefuses: the version that serves refuses the requests of its own evaluation.py: KeyError: 'z'"),
        ("column", r"CurrentCodeFails: request\(\) of the evaluation.py that the current version came with ended with 1: KeyError: 'wind'"),
        ("labels", "NoLabels: no row of the test period has a label"),
    ],
)
def test_fails_on_what_cannot_be_evaluated(job: Job, what: str, message: str) -> None:
    broken(job, what)
    with pytest.raises(job.program.Refused, match=message):
        job.run()


def test_the_program_finds_its_inputs_beside_the_output_and_leaves_its_reason_there(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "processing").mkdir()
    job = Job(tmp_path / "processing", load(ROOT / "jobs" / "evaluate.py"))
    command = [sys.executable, str(ROOT / "jobs" / "evaluate.py"), "--dataset-id", "d1", "--output", str(job.root / "output")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0 and len(job.predictions()) == 1200
    broken(job, "two")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and ended.stderr.startswith("NoArchive: ")
    assert (tmp_path / "output" / "message").read_text() == ended.stderr.strip()
    job.program.leave_message(str(job.root / "output"), "x" * 2000)
    assert (tmp_path / "output" / "message").read_text() == "x" * 1024
