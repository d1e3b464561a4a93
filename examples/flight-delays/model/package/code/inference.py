"""Serves the model in SageMaker script mode, speaking Open Inference Protocol v2 JSON. Needs numpy only.

The four functions are those that the SageMaker inference toolkit calls
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html).
"""
from __future__ import annotations

import json
import os

import numpy as np

from features import FIELDS, matrix

JSON = "application/json"


def model_fn(model_dir: str) -> dict:
    with open(os.path.join(model_dir, "model.json"), encoding="utf-8") as file:
        return json.load(file)


def input_fn(body, content_type: str = JSON) -> dict:
    if content_type.split(";")[0].strip() != JSON:
        raise ValueError(f"content type {content_type!r} is not served: send {JSON}")
    request = json.loads(body)
    tensors = {tensor["name"]: tensor for tensor in request.get("inputs", [])}
    problems = [f"input '{name}' ({kind}) is missing" for name, kind in FIELDS.items() if name not in tensors]
    problems += [f"input '{name}' is not one of {', '.join(FIELDS)}" for name in tensors if name not in FIELDS]
    counts = {len(tensor["data"]) for tensor in tensors.values()}
    if not problems and (len(counts) != 1 or counts == {0}):
        problems.append(f"inputs must have one value per flight each, got lengths {sorted(counts)}")
    if not problems:
        problems = [problem for name in FIELDS for problem in _check(name, tensors[name]["data"])]
    if problems:
        raise ValueError("; ".join(problems))
    return {"id": request.get("id"), "columns": {name: tensors[name]["data"] for name in FIELDS}}


def _check(name: str, values: list) -> list[str]:
    if FIELDS[name] == "BYTES":
        return [] if all(isinstance(value, str) for value in values) else [f"input '{name}' must be texts"]
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return [f"input '{name}' must be numbers"]
    low, high = {"minute_of_day": (0, 1439), "weekday": (1, 7), "distance": (1, 6000)}[name]
    wrong = [value for value in values if not low <= value <= high]
    return [f"input '{name}' must be between {low} and {high}, got {wrong[0]}"] if wrong else []


def predict_fn(request: dict, model: dict) -> dict:
    scores = matrix(request["columns"], model["levels"]) @ np.asarray(model["coefficients"]) + model["intercept"]
    probabilities = 1 / (1 + np.exp(-scores))
    return {"id": request["id"], "version": model["version"], "probability": probabilities, "warn": probabilities >= model["threshold"]}


def output_fn(prediction: dict, accept: str = JSON):
    count = len(prediction["probability"])
    answer = {
        "model_name": "delay",
        "model_version": prediction["version"],
        "outputs": [
            {"name": "late_probability", "datatype": "FP64", "shape": [count], "data": [float(p) for p in prediction["probability"]]},
            {"name": "warn", "datatype": "BOOL", "shape": [count], "data": [bool(w) for w in prediction["warn"]]},
        ],
    }
    if prediction["id"] is not None:
        answer["id"] = prediction["id"]
    return json.dumps(answer), JSON
