"""Trains the flight-delay model in SageMaker script mode (https://github.com/aws/sagemaker-training-toolkit).

Fits the channel `train`, chooses the threshold on `validation` (warn the riskiest share of it), fits both again. SM_MODEL_DIR gets the model with
the code that serves it, and metrics.json: what the first fit reached on `validation`. An interrupted training goes on from its checkpoints.
"""
from __future__ import annotations

import argparse
import os
import shutil
import time

from fitting import dump, fit, labelled, metrics, score, threshold_for
from features import AGGREGATES, FIELDS  # found by fitting
from flights import columns, read

HERE = os.path.dirname(os.path.abspath(__file__))


def train(first: list[dict], second: list[dict], c: float, share: float, checkpoints: str | None, version: str, started: float) -> tuple[dict, dict]:
    """The model; how many rows it has seen, and what the first fit reached on the second rows."""
    step = lambda text: print(f"{time.time() - started:5.1f} s  {text}", flush=True)  # noqa: E731
    place = lambda name: None if checkpoints is None else os.path.join(checkpoints, name)  # noqa: E731
    step(f"read {len(first)} rows to train and {len(second)} to validate")
    candidate = fit(*labelled(first), c, place("candidate.json"), step)
    unseen, late = labelled(second)
    reached = score(candidate, unseen)
    threshold = threshold_for(reached, share)
    step(f"fitted; warn from {threshold:.4f}, the riskiest {share:.0%} of the validation rows")
    rows, target = labelled(first + second)
    model = fit(rows, target, c, place("model.json"), step)
    step(f"fitted both: {len(rows)} rows, {len(first) + len(second) - len(rows)} left out because they have no label")
    counts = {"trained": len(rows), "without_label": len(first) + len(second) - len(rows)}
    seen = {"rows": counts, "validation": metrics(late, reached)}
    taken = columns(rows[:1])
    fields = {name: kind for name, kind in {**FIELDS, **AGGREGATES}.items() if name in taken}
    return {"format": 1, "version": version, "fields": fields, **model, "threshold": threshold}, seen


def main() -> None:
    started = time.time()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside_model = os.path.join(os.path.dirname(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")), "checkpoints")
    parser.add_argument("-c", "--c", type=float, default=1.0, help="inverse strength of the regularization")
    parser.add_argument("--warn-share", type=float, default=0.3, help="share of flights to warn of, 0 to 1")
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"), help="folder with records to fit")
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION"), help="folder with records to choose the threshold on")
    parser.add_argument("--out", default=os.environ.get("SM_MODEL_DIR"), help="folder for the model")
    parser.add_argument("--checkpoints", default=beside_model if os.path.isdir(beside_model) else None, help="folder for checkpoints")
    given = parser.parse_args()
    if not (given.train and given.validation and given.out):
        parser.error("--train, --validation and --out are required outside a training job")
    version = os.environ.get("TRAINING_JOB_NAME", "1")
    model, seen = train(read(given.train), read(given.validation), given.c, given.warn_share, given.checkpoints, version, started)
    os.makedirs(given.out, exist_ok=True)
    for name, value in (("model.json", model), ("metrics.json", seen)):
        with open(os.path.join(given.out, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(dump(value))
    shutil.copytree(os.path.join(HERE, "package", "code"), os.path.join(given.out, "code"), ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    print(f"wrote {given.out}: {seen}", flush=True)


if __name__ == "__main__":
    main()
