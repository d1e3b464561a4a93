"""A logistic regression on the features that serving computes, fitted in steps that a later start continues."""
from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from typing import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "package", "code"))
from features import AGGREGATES, CATEGORICAL, FIELDS, categories, matrix  # noqa: E402
from flights import columns, label  # noqa: E402

DIGITS = 9
"""Parameters are rounded, so that one more bit of noise in a linear algebra library does not change the artefact."""
STEPS, MOST_STEPS, TOLERANCE = 2, 100, 1e-10
"""Newton steps between two checkpoints, in all, and the gradient at which they end."""


def labelled(rows: list[dict]) -> tuple[list[dict], np.ndarray]:
    """The rows with a label, and the labels."""
    kept = [row for row in rows if label(row) is not None]
    return kept, np.array([label(row) for row in kept], dtype=int)


def fit(rows: list[dict], target: np.ndarray, c: float = 1.0, checkpoint: str | None = None, say: Callable[[str], None] = lambda text: None) -> dict:
    """Levels and coefficients. With `checkpoint`, a file, it goes on from what an interrupted fit of the same data left there."""
    values = columns(rows)
    unserved = sorted(set(values) - set(FIELDS) - set(AGGREGATES))
    if unserved:
        raise SystemExit(f"UnservedColumn: a prediction request does not bring {', '.join(unserved)}: train on {', '.join(FIELDS)} only")
    texts = categories(values)
    levels = {name: sorted(set(texts[name])) for name in CATEGORICAL}
    data = matrix(values, levels)
    model = LogisticRegression(C=c, max_iter=STEPS, tol=TOLERANCE, solver="newton-cholesky", warm_start=True)
    identity = hashlib.sha256(f"{c} {levels} ".encode() + target.tobytes() + np.ascontiguousarray(data.T @ target).tobytes()).hexdigest()
    done = restore(model, checkpoint, identity, say)
    while done < MOST_STEPS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(data, target)
        taken = int(model.n_iter_[0])
        done += taken
        save(model, checkpoint, identity, done)
        if taken < STEPS:
            break
    return {"levels": levels, "coefficients": [round(float(c), DIGITS) for c in model.coef_[0]], "intercept": round(float(model.intercept_[0]), DIGITS)}


def restore(model: LogisticRegression, path: str | None, identity: str, say: Callable[[str], None]) -> int:
    """Steps that an earlier start took on the same data; its coefficients are where the next step begins."""
    if path is None or not os.path.exists(path):
        return 0
    try:
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
    except ValueError:
        say("the checkpoint cannot be read: starting anew")
        return 0
    if saved["identity"] != identity:
        say("the checkpoint is of other data or parameters: starting anew")
        return 0
    model.classes_ = np.array([0, 1])
    model.coef_ = np.array([saved["coefficients"]])
    model.intercept_ = np.array([saved["intercept"]])
    say(f"resumed after {saved['steps']} steps of an interrupted start")
    return int(saved["steps"])


def save(model: LogisticRegression, path: str | None, identity: str, steps: int) -> None:
    """Written aside and put in place at once: an interruption leaves a whole checkpoint."""
    if path is None:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"identity": identity, "steps": steps, "coefficients": model.coef_[0].tolist(), "intercept": float(model.intercept_[0])}, file)
    os.replace(path + ".new", path)


def score(model: dict, rows: list[dict]) -> np.ndarray:
    """Probability of being late of each row."""
    return 1 / (1 + np.exp(-(matrix(columns(rows), model["levels"]) @ np.array(model["coefficients"]) + model["intercept"])))


def threshold_for(scores: np.ndarray, share: float) -> float:
    """From this probability on a flight is among the riskiest `share`."""
    return round(float(np.quantile(scores, 1 - share)), DIGITS)


def metrics(target: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    return {
        "average_precision": round(float(average_precision_score(target, scores)), 4),
        "auc": round(float(roc_auc_score(target, scores)), 4),
        "brier": round(float(brier_score_loss(target, scores)), 4),
    }


def dump(value: dict) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
