"""Trains the flight-delay model and writes package/model.json and metrics.json.

Runs by hand (`npm run example:train`) and under the SageMaker training contract: SM_CHANNEL_TRAINING names the folder with the data,
SM_MODEL_DIR the one for the result. Steps: fit January-February, choose the threshold on March (warn the riskiest 30 %), refit on the
quarter, report April once.
"""
from __future__ import annotations

import argparse
import csv
import datetime
import glob
import gzip
import hashlib
import json
import os
import platform
import sys
import time
from collections import defaultdict

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "package", "code"))
from features import CATEGORICAL, FIELDS, categories, matrix  # noqa: E402

LATE_MINUTES = 15
WARN_SHARE = 0.30
LEAK_BAND = (0.62, 0.72)
"""April AUC outside this band is not believed: below it the model learnt nothing, above it it saw the outcome."""
DIGITS = 9
"""Parameters are rounded, so that one more bit of noise in a linear algebra library does not change the artefact."""


def read(folder: str, months: set[int]) -> dict[int, list[dict]]:
    """Rows by month, of every .csv and .csv.gz file in the folder."""
    by_month: dict[int, list[dict]] = defaultdict(list)
    files = sorted(glob.glob(os.path.join(folder, "*.csv")) + glob.glob(os.path.join(folder, "*.csv.gz")))
    if not files:
        raise SystemExit(f"NoData: no .csv or .csv.gz file in {folder}")
    for path in files:
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if int(row["month"]) in months:
                    by_month[int(row["month"])].append(row)
    return by_month


def columns(rows: list[dict]) -> dict[str, list]:
    """The fields that a request brings, from the columns of the data."""
    return {
        "minute_of_day": [int(row["hour"]) * 60 + int(row["minute"]) for row in rows],
        "weekday": [datetime.date(int(row["year"]), int(row["month"]), int(row["day"])).isoweekday() for row in rows],
        "distance": [float(row["distance"]) for row in rows],
        "carrier": [row["carrier"] for row in rows],
        "origin": [row["origin"] for row in rows],
        "dest": [row["dest"] for row in rows],
    }


def labelled(rows: list[dict]) -> tuple[list[dict], np.ndarray]:
    kept = [row for row in rows if row["arr_delay"] != "NA"]
    return kept, np.array([float(row["arr_delay"]) > LATE_MINUTES for row in kept], dtype=int)


def fit(rows: list[dict], target: np.ndarray) -> dict:
    values = columns(rows)
    unserved = sorted(set(values) - set(FIELDS))
    if unserved:
        raise SystemExit(f"UnservedColumn: a prediction request does not bring {', '.join(unserved)}: train on {', '.join(FIELDS)} only")
    texts = categories(values)
    levels = {name: sorted(set(texts[name])) for name in CATEGORICAL}
    model = LogisticRegression(C=1.0, max_iter=5000, tol=1e-10, solver="newton-cholesky").fit(matrix(values, levels), target)
    return {"levels": levels, "coefficients": [round(float(c), DIGITS) for c in model.coef_[0]], "intercept": round(float(model.intercept_[0]), DIGITS)}


def score(model: dict, rows: list[dict]) -> np.ndarray:
    return 1 / (1 + np.exp(-(matrix(columns(rows), model["levels"]) @ np.array(model["coefficients"]) + model["intercept"])))


def baseline(train: list[dict], target: np.ndarray, rows: list[dict]) -> np.ndarray:
    """Late rate by carrier and hour; the overall rate where a pair is new."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row, late in zip(train, target):
        sums[row["carrier"], row["hour"]][0] += int(late)
        sums[row["carrier"], row["hour"]][1] += 1
    rate = float(target.mean())
    return np.array([(lambda s: s[0] / s[1] if s[1] else rate)(sums.get((row["carrier"], row["hour"]), [0, 0])) for row in rows])


def metrics(target: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    return {
        "average_precision": round(float(average_precision_score(target, scores)), 4),
        "auc": round(float(roc_auc_score(target, scores)), 4),
        "brier": round(float(brier_score_loss(target, scores)), 4),
    }


def train(data: str) -> tuple[dict, dict]:
    started = time.time()
    step = lambda text: print(f"{time.time() - started:5.1f} s  {text}", flush=True)  # noqa: E731
    by_month = read(data, {1, 2, 3, 4})
    missing = [month for month in (1, 2, 3, 4) if not by_month[month]]
    if missing:
        raise SystemExit(f"NoData: no rows of month {missing} in {data}: training needs January to April")
    step(f"read {sum(map(len, by_month.values()))} rows of January to April")
    first, first_target = labelled(by_month[1] + by_month[2])
    third, _ = labelled(by_month[3])
    candidate = fit(first, first_target)
    threshold = round(float(np.quantile(score(candidate, third), 1 - WARN_SHARE)), DIGITS)
    step(f"fitted January and February; warn from {threshold:.4f}, the riskiest {WARN_SHARE:.0%} of March")
    quarter_rows = by_month[1] + by_month[2] + by_month[3]
    quarter, target = labelled(quarter_rows)
    model = fit(quarter, target)
    step(f"refitted the quarter: {len(quarter)} rows, {len(quarter_rows) - len(quarter)} left out because they have no label")
    april, april_target = labelled(by_month[4])
    scores = score(model, april)
    report = metrics(april_target, scores)
    low, high = LEAK_BAND
    if not low <= report["auc"] <= high:
        raise SystemExit(f"SuspectedLeak: April AUC {report['auc']} is outside {low} to {high}: look for a feature that knows the outcome")
    warned = scores >= threshold
    model = {"format": 1, "version": "1", "fields": FIELDS, **model, "threshold": threshold}
    figures = {
        "april": report,
        "april_baseline": metrics(april_target, baseline(quarter, target, april)),
        "april_objective": {
            "late_arrivals_warned_percent": round(100 * float(warned[april_target == 1].mean()), 1),
            "warnings_per_flight_percent": round(100 * float(warned.mean()), 1),
        },
        "rows": {"trained": len(quarter), "without_label": len(quarter_rows) - len(quarter), "april": len(april)},
        "model_sha256": hashlib.sha256(dump(model).encode()).hexdigest(),
        "trained_with": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    }
    step(f"April: AUC {report['auc']}, average precision {report['average_precision']}, Brier {report['brier']}")
    return model, figures


def dump(value: dict) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("SM_CHANNEL_TRAINING", os.path.join(HERE, "..", "data")), help="folder with .csv or .csv.gz files")
    parser.add_argument("--out", default=os.environ.get("SM_MODEL_DIR", os.path.join(HERE, "package")), help="folder for model.json")
    parser.add_argument("--metrics", default=None, help="file for the figures (default: metrics.json beside the package)")
    options = parser.parse_args()
    model, figures = train(options.data)
    os.makedirs(options.out, exist_ok=True)
    target = options.metrics or (os.path.join(HERE, "metrics.json") if "SM_MODEL_DIR" not in os.environ else os.path.join(options.out, "metrics.json"))
    for path, value in ((os.path.join(options.out, "model.json"), model), (target, figures)):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(dump(value))
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
