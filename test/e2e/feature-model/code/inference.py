"""A model that says what it was told: test/e2e/served-features.ts asks it through the API, which fills in `origin_delay`."""
import json

JSON = "application/json"


def model_fn(model_dir):
    return None


def input_fn(body, content_type=JSON):
    return {tensor["name"]: tensor["data"] for tensor in json.loads(body)["inputs"]}


def predict_fn(columns, model):
    return columns["origin_delay"]


def output_fn(delays, accept=JSON):
    outputs = [
        {"name": "told", "datatype": "BYTES", "shape": [len(delays)], "data": [json.dumps(delay) for delay in delays]},
        {"name": "warn", "datatype": "BOOL", "shape": [len(delays)], "data": [delay is not None and delay > 15 for delay in delays]},
    ]
    return json.dumps({"model_name": "told", "outputs": outputs}), JSON
