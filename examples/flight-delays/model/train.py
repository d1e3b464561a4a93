"""Trains the flight-delay model in SageMaker script mode (https://github.com/aws/sagemaker-training-toolkit).

Fits the channel `train`, chooses the threshold on `validation` (warn the riskiest share of it), fits both again. SM_MODEL_DIR gets the model with
the code that serves it. An interrupted training goes on from its checkpoints.
"""
from __future__ import annotations

import argparse
import os
import shutil
import time

from fitting import dump, fit, labelled, threshold_for
from features import FIELDS  # found by fitting
from flights import label, read

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKPOINTS = "/opt/ml/checkpoints"


def train(first: list[dict], second: list[dict], c: float, share: float, checkpoints: str | None, version: str, started: float) -> tuple[dict, dict]:
    """The model, and how many rows it has seen."""
    step = lambda text: print(f"{time.time() - started:5.1f} s  {text}", flush=True)  # noqa: E731
    place = lambda name: None if checkpoints is None else os.path.join(checkpoints, name)  # noqa: E731
    step(f"read {len(first)} rows to train and {len(second)} to validate")
    candidate = fit(*labelled(first), c, place("candidate.json"), step)
    threshold = threshold_for(candidate, [row for row in second if label(row) is not None], share)
    step(f"fitted; warn from {threshold:.4f}, the riskiest {share:.0%} of the validation rows")
    rows, target = labelled(first + second)
    model = fit(rows, target, c, place("model.json"), step)
    step(f"fitted both: {len(rows)} rows, {len(first) + len(second) - len(rows)} left out because they have no label")
    counts = {"trained": len(rows), "without_label": len(first) + len(second) - len(rows)}
    return {"format": 1, "version": version, "fields": FIELDS, **model, "threshold": threshold}, counts


def main() -> None:
    started = time.time()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--c", type=float, default=1.0, help="inverse strength of the regularization")
    parser.add_argument("--warn-share", type=float, default=0.3, help="share of flights to warn of, 0 to 1")
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"), help="folder with records to fit")
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION"), help="folder with records to choose the threshold on")
    parser.add_argument("--out", default=os.environ.get("SM_MODEL_DIR"), help="folder for the model")
    parser.add_argument("--checkpoints", default=CHECKPOINTS if os.path.isdir(CHECKPOINTS) else None, help="folder for checkpoints")
    given = parser.parse_args()
    if not (given.train and given.validation and given.out):
        parser.error("--train, --validation and --out are required outside a training job")
    version = os.environ.get("TRAINING_JOB_NAME", "1")
    model, counts = train(read(given.train), read(given.validation), given.c, given.warn_share, given.checkpoints, version, started)
    os.makedirs(given.out, exist_ok=True)
    with open(os.path.join(given.out, "model.json"), "w", encoding="utf-8", newline="\n") as file:
        file.write(dump(model))
    shutil.copytree(os.path.join(HERE, "package", "code"), os.path.join(given.out, "code"), ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    print(f"wrote {given.out}: {counts}", flush=True)


if __name__ == "__main__":
    main()
