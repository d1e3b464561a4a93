"""Scores a candidate, the current version and the baseline on the test period, through the very code that serves.

Runs in a SageMaker processing job on the instance type that serves. Each model runs in a process of its own, as its container does: `code/inference.py`
of the archive with model_fn, input_fn, predict_fn and output_fn (https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html).
What a request looks like, what a label is and what the baseline says comes from `evaluation.py` beside the training program. The current version is
asked through the `evaluation.py` that it was registered with: the candidate may need fields that it does not know. Its functions, and what this writes
into `predictions.csv.gz` and `evaluation.json`: README.md beside this file.
"""
from __future__ import annotations

import argparse
import csv
import glob
import gzip
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import types
from typing import Any, Callable, Iterable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Folder of the job's inputs, one of which is this program: `/opt/ml/processing` in a container."""
JSON = "application/json"
BATCH = 500
WARM_UP, SINGLE_REQUESTS = 50, 500
SHOWN = 3  # refusals of a model that are told; the others say the same


class Refused(Exception):
    """What is wrong with code or data, for their owner."""


class Response:
    """What output_fn may return to give a status of its own; the serving image has it as sagemaker_containers' worker.Response."""

    def __init__(self, response: Any = None, accept: Any = None, status: int = 200, headers: Any = None, mimetype: Any = None,
                 direct_passthrough: bool = False) -> None:  # fmt: skip
        self.body, self.status = "" if response is None else response, int(status)


def offer_response() -> None:
    """The serving image has the package; where it is not installed, this stands for it."""
    try:
        importlib.import_module("sagemaker_containers.beta.framework.worker")
    except ImportError:
        names = ["sagemaker_containers", "sagemaker_containers.beta", "sagemaker_containers.beta.framework", "sagemaker_containers.beta.framework.worker"]
        sys.modules.update({name: types.ModuleType(name) for name in names})
        for parent, child in zip(names, names[1:]):
            setattr(sys.modules[parent], child.rpartition(".")[2], sys.modules[child])
        setattr(sys.modules[names[-1]], "Response", Response)


def load(path: str, name: str) -> Any:
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise Refused(f"NoProgram: there is no {os.path.basename(path)} in {os.path.dirname(path)}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(program: Any, model: Any, body: str) -> dict:
    """`{"answer": ...}`, or `{"refused": why}`."""
    try:
        read = getattr(program, "input_fn", lambda text, kind: json.loads(text))
        write = getattr(program, "output_fn", lambda result, accept: json.dumps(result.tolist() if hasattr(result, "tolist") else result))
        output = write(program.predict_fn(read(body, JSON), model), JSON)
        text, status = answered(output)
        return {"answer": json.loads(text)} if status < 400 else {"refused": f"status {status}: {text}"}
    except Exception as error:  # noqa: BLE001 - whatever the program raises would be answered 500 in service
        return {"refused": f"{type(error).__name__}: {error}"}


def answered(output: Any) -> tuple[str, int]:
    """Body and status of what output_fn gave: text, (text, content type) or a Response, ours or that of the serving image, which is Flask's."""
    if isinstance(output, tuple):
        output = output[0]
    if isinstance(output, (str, bytes)):
        text, status = output, 200
    elif hasattr(output, "get_data"):
        text, status = output.get_data(), output.status_code
    else:
        text, status = output.body, output.status
    return (text.decode() if isinstance(text, bytes) else str(text)), int(status)


def work(folder: str) -> None:
    """Answers the requests of `requests.jsonl` in order, then times those of `single.jsonl`."""
    offer_response()
    model_dir = os.path.join(folder, "model")
    program = load(os.path.join(model_dir, "code", "inference.py"), "inference")
    model = program.model_fn(model_dir)
    with open(os.path.join(folder, "requests.jsonl"), encoding="utf-8", newline="\n") as asked:
        write_lines(folder, "answers", (json.dumps(answer(program, model, body)) for body in asked))
    times = []
    for body in open(os.path.join(folder, "single.jsonl"), encoding="utf-8", newline="\n").read().split("\n")[:-1]:
        started = time.perf_counter()
        answer(program, model, body)
        times.append((time.perf_counter() - started) * 1000)
    write_lines(folder, "times", map(json.dumps, times[WARM_UP:]))


def apply(folder: str, function: str) -> None:
    """Writes what a function of `code/evaluation.py` gives for each line of `values.jsonl` into `results.jsonl`."""
    evaluation = load(os.path.join(folder, "code", "evaluation.py"), "evaluation")
    results = map(getattr(evaluation, function), read_lines(folder, "values"))
    write_lines(folder, "results", (json.dumps(result, default=lambda value: value.tolist()) for result in results))


def run_model(archive: str, bodies: list[str], single: list[str]) -> tuple[list[dict], list[float]]:
    """Answers and times, milliseconds, of the model in an archive. Raises Refused when it does not load."""
    with tempfile.TemporaryDirectory() as folder:
        model_dir = os.path.join(folder, "model")
        unpack(archive, model_dir)
        write_lines(folder, "requests", bodies)
        write_lines(folder, "single", single)
        container = {"SM_MODEL_DIR": model_dir, "SAGEMAKER_SUBMIT_DIRECTORY": os.path.join(model_dir, "code"), "SAGEMAKER_PROGRAM": "inference.py"}
        run_self(["--worker", folder], container, f"ModelDoesNotLoad: the model in {os.path.basename(archive)}")
        return read_lines(folder, "answers"), read_lines(folder, "times")


def run_self(arguments: list[str], environment: dict[str, str], what: str) -> None:
    """This program in a process of its own, where modules of the same names are others. Raises Refused when it fails."""
    command = [sys.executable, os.path.abspath(__file__), *arguments]
    full = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(command, env=full, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        raise Refused(f"{what} ended with {ended.returncode}: {(ended.stderr.strip().splitlines() or ['it printed nothing'])[-1]}")


def applied(archive: str, function: str, values: list) -> list:
    """What a function of the `evaluation.py` in an archive gives for each value. Raises Refused when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        unpack(archive, os.path.join(folder, "code"))
        write_lines(folder, "values", map(json.dumps, values))
        run_self(["--worker", folder, "--apply", function], {}, f"CurrentCodeFails: {function}() of the evaluation.py that the current version came with")
        return read_lines(folder, "results")


def write_lines(folder: str, name: str, lines: Iterable[str]) -> None:
    with open(os.path.join(folder, f"{name}.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def read_lines(folder: str, name: str) -> list:
    with open(os.path.join(folder, f"{name}.jsonl"), encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def unpack(archive: str, target: str) -> None:
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar.getmembers():
            inside = os.path.realpath(os.path.join(target, member.name)).startswith(os.path.realpath(target) + os.sep)
            if not (inside or member.name == ".") or not (member.isfile() or member.isdir()):
                raise Refused(f"BadArchive: {os.path.basename(archive)} has the member '{member.name}', which leaves its folder or is a link")
        tar.extractall(target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def the_archive(folder: str) -> str:
    found = sorted(glob.glob(os.path.join(folder, "*.tar.gz")))
    if len(found) != 1:
        raise Refused(f"NoArchive: {folder} must hold one .tar.gz, found {len(found)}")
    return found[0]


def read_rows(*folders: str) -> list[dict]:
    rows: list[dict] = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "*.csv.gz"))):
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                rows.extend(csv.DictReader(file))
    return rows


def scores_of(score: Callable[[list], Iterable], answers: list[dict], batches: list[list[dict]]) -> tuple[list, list[str]]:
    """A score per row, none where the model refused, and why it refused. `score` gives the scores of each of several answers."""
    scores: list = []
    refusals = sorted({told["refused"] for told in answers if "refused" in told})
    given = iter(score([told["answer"] for told in answers if "answer" in told]))
    for told, batch in zip(answers, batches):
        found = next(given) if "answer" in told else [None] * len(batch)
        if len(found) != len(batch):
            raise Refused(f"OtherLength: score() gave {len(found)} scores for {len(batch)} rows: return one for each row of a request")
        scores.extend(found)
    return scores, refusals[:SHOWN]


def current_scores(root: str, evaluation: Any, bodies: list[str], batches: list[list[dict]]) -> list:
    """A score per row of the version that serves, if there is one; `evaluation` and `bodies` are the candidate's."""
    if not os.path.isdir(os.path.join(root, "current")):
        return [None] * sum(map(len, batches))
    score, whose = lambda answers: map(evaluation.score, answers), "the candidate's evaluation.py, for it came with none"
    if os.path.isdir(os.path.join(root, "current-code")):
        code = the_archive(os.path.join(root, "current-code"))
        bodies = [json.dumps(body) for body in applied(code, "request", batches)]
        score, whose = lambda answers: applied(code, "score", answers), "its own evaluation.py"
    answers, _ = run_model(the_archive(os.path.join(root, "current")), bodies, [])
    scores, refusals = scores_of(score, answers, batches)
    if refusals:
        raise Refused(f"CurrentRefuses: the version that serves refuses the requests of {whose}: {'; '.join(refusals)}")
    print("current version scored", flush=True)
    return scores


def percentile(times: list[float], share: float) -> float:
    """Nearest rank (https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method)."""
    ordered = sorted(times)
    return round(ordered[max(0, -(-int(share * 100) * len(ordered) // 10000) - 1)], 3)


def evaluate(root: str, dataset_id: str, output: str) -> dict:
    """Runs the whole job and returns the report. Raises Refused."""
    with tempfile.TemporaryDirectory() as code:
        unpack(the_archive(os.path.join(root, "code")), code)
        evaluation = load(os.path.join(code, "evaluation.py"), "evaluation")
        test = read_rows(os.path.join(root, "test"))
        labelled = [(row, label) for row in test for label in [evaluation.label(row)] if label is not None]
        if not labelled:
            raise Refused("NoLabels: no row of the test period has a label: check label() of evaluation.py")
        rows = [row for row, _ in labelled]
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        bodies = [json.dumps(evaluation.request(batch)) for batch in batches]
        single = [json.dumps(evaluation.request([rows[i % len(rows)]])) for i in range(WARM_UP + SINGLE_REQUESTS)]
        print(f"{len(rows)} labelled rows of {len(test)}", flush=True)
        answers, times = run_model(the_archive(os.path.join(root, "candidate")), bodies, single)
        candidate, problems = scores_of(lambda answers: map(evaluation.score, answers), answers, batches)
        print("candidate scored", flush=True)
        current = current_scores(root, evaluation, bodies, batches)
        fitted = read_rows(os.path.join(root, "train"), os.path.join(root, "validation"))
        baseline = evaluation.baseline(fitted, rows)
        print("baseline scored", flush=True)
        write_predictions(output, [[evaluation.block(row), label, *found] for (row, label), found in zip(labelled, zip(baseline, candidate, current))])
        report = {
            "rows": len(test),
            "labelled": len(rows),
            "latencyMs": {"p50": percentile(times, 50), "p90": percentile(times, 90), "p99": percentile(times, 99), "count": len(times)},
            "datasetId": dataset_id,
            "fields": fields_of(json.loads(single[0])),
            "signatureProblems": problems,
        }
    with open(os.path.join(output, "evaluation.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, sort_keys=True)
    return report


def fields_of(body: dict) -> list[str]:
    """Names of a request's inputs: tensors of the Open Inference Protocol, or the keys of another JSON body."""
    inputs = body.get("inputs")
    return [tensor["name"] for tensor in inputs] if isinstance(inputs, list) and all("name" in tensor for tensor in inputs) else sorted(body)


def write_predictions(output: str, lines: list[list]) -> None:
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "predictions.csv.gz"), "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        text = io.TextIOWrapper(packed, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["block", "label", "baseline", "candidate", "current"])
        writer.writerows(["" if value is None else value for value in line] for line in lines)
        text.flush()


def leave_message(output: str, text: str) -> None:
    """Why the job ended, 1 KB: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProcessingJob.html reads it there."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(output))), "output")
    if os.path.isdir(folder):
        with open(os.path.join(folder, "message"), "wb") as file:
            file.write(text.encode()[:1024])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset-id")
    parser.add_argument("--output", default=f"{ROOT}/output")
    parser.add_argument("--root", help="folder of the inputs (default: where the output folder lies)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--apply", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not (given.worker or given.dataset_id):
        parser.error("--dataset-id is required")
    try:
        if given.worker:
            apply(given.worker, given.apply) if given.apply else work(given.worker)
        else:
            print(json.dumps(evaluate(given.root or os.path.dirname(os.path.abspath(given.output)), given.dataset_id, given.output)), flush=True)
    except Refused as refusal:
        if not given.worker:
            leave_message(given.output, str(refusal))
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
