"""Serves the model in SageMaker script mode, speaking Open Inference Protocol v2 JSON. Needs numpy only.

The four functions are those that the SageMaker inference toolkit calls
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html). Whatever they raise is answered 500, which counts against
the model's owner, so a request that cannot be served is not raised: it is carried to output_fn, whose Response gives the status to the caller
(https://github.com/aws/sagemaker-scikit-learn-container/issues/62).
"""
from __future__ import annotations

import json
import os

import numpy as np

from features import AGGREGATES, FIELDS, matrix

JSON = "application/json"


def model_fn(model_dir: str) -> dict:
    with open(os.path.join(model_dir, "model.json"), encoding="utf-8") as file:
        return json.load(file)


def input_fn(body, content_type: str = JSON) -> dict:
    """The request by columns, or under `refused` why there is none."""
    if content_type.split(";")[0].strip() != JSON:
        return {"refused": f"content type {content_type!r} is not served: send {JSON}"}
    try:
        request = json.loads(body)
        tensors = {tensor["name"]: tensor["data"] for tensor in request["inputs"]}
    except (ValueError, TypeError, KeyError):
        return {"refused": "the body is no inference request of the Open Inference Protocol v2"}
    problems = _problems(tensors)
    return {"refused": "; ".join(problems)} if problems else {"id": request.get("id"), "columns": tensors}


def _problems(tensors: dict) -> list[str]:
    problems = [f"input '{name}' ({kind}) is missing" for name, kind in FIELDS.items() if name not in tensors]
    problems += [f"input '{name}' is not one of {', '.join(FIELDS)}" for name in tensors if name not in FIELDS and name not in AGGREGATES]
    problems += [f"input '{name}' must have its data as a list" for name, data in tensors.items() if not isinstance(data, list)]
    if problems:
        return problems
    counts = {len(data) for data in tensors.values()}
    if len(counts) != 1 or counts == {0}:
        return [f"inputs must have one value per flight each, got lengths {sorted(counts)}"]
    problems = [problem for name in FIELDS for problem in _check(name, tensors[name])]
    return problems + [problem for name in AGGREGATES if name in tensors for problem in _check_aggregate(name, tensors[name])]


def _check(name: str, values: list) -> list[str]:
    if FIELDS[name] == "BYTES":
        return [] if all(isinstance(value, str) for value in values) else [f"input '{name}' must be texts"]
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return [f"input '{name}' must be numbers"]
    if FIELDS[name] == "INT32" and any(value % 1 != 0 for value in values):
        return [f"input '{name}' must be whole numbers"]
    low, high = {"minute_of_day": (0, 1439), "weekday": (1, 7), "distance": (1, 6000)}[name]
    wrong = [value for value in values if not low <= value <= high]
    return [f"input '{name}' must be between {low} and {high}, got {wrong[0]}"] if wrong else []


def _check_aggregate(name: str, values: list) -> list[str]:
    known = [value for value in values if value is not None]
    return [] if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known) else [f"input '{name}' must be numbers or null"]


def predict_fn(request: dict, model: dict) -> dict:
    if "refused" in request:
        return request
    refused = [f"input '{name}' ({kind}) is missing" for name, kind in model["fields"].items() if name not in request["columns"]]
    refused += [f"input '{name}' is not one of {', '.join(FIELDS)}" for name in request["columns"] if name not in model["fields"]]
    if refused:
        return {"refused": "; ".join(refused)}
    scores = matrix(request["columns"], model["levels"]) @ np.asarray(model["coefficients"]) + model["intercept"]
    probabilities = 1 / (1 + np.exp(-scores))
    return {"id": request["id"], "version": model["version"], "probability": probabilities, "warn": probabilities >= model["threshold"]}


def output_fn(prediction: dict, accept: str = JSON):
    if "refused" in prediction:
        return _bad_request(prediction["refused"])
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


def _bad_request(reason: str):
    from sagemaker_containers.beta.framework import worker  # of the serving container: what else runs this file need not have it

    return worker.Response(json.dumps({"error": reason}), status=400, mimetype=JSON)
