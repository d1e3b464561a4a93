"""The traffic of April, and the model's arithmetic."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from model import TOLERANCE, Model, asked_in
from trips import april_trips, request_hash, stamp

CODE = Path(__file__).parents[2] / "examples" / "flight-delays" / "model" / "package"
COMMITTED = Model(json.loads((CODE / "model.json").read_text(encoding="utf-8")))


def test_500_flights_of_30_days_are_asked_about() -> None:
    trips = april_trips()
    assert (len(trips), len({trip.id for trip in trips})) == (500, 500)
    assert len({trip.id.rsplit("-", 3)[0] for trip in trips}) == 30


def test_489_get_their_label_and_137_of_them_are_late() -> None:
    trips = april_trips()
    assert sum(trip.known is not None for trip in trips) == 489
    assert sum(bool(trip.late) for trip in trips) == 137


def test_the_truth_is_known_after_landing_and_before_the_window_ends() -> None:
    assert all(trip.departs < trip.known < trip.expires for trip in april_trips() if trip.known is not None)


def test_a_request_has_one_hash_whatever_the_order_of_its_fields() -> None:
    request = april_trips()[0].request
    assert request_hash(request) == request_hash(dict(reversed(request.items())))
    assert request_hash(request) != request_hash({**request, "id": "other"})


def test_moments_are_written_with_milliseconds_in_utc() -> None:
    assert stamp(april_trips()[0].departs) == "2013-04-01T09:00:00.000Z"


def test_the_arithmetic_agrees_with_the_container_s_code() -> None:
    trips = april_trips()
    program = "import sys, json; sys.path.insert(0, 'code'); import inference as i; m = i.model_fn('.')\n"
    program += "for line in sys.stdin: print(i.output_fn(i.predict_fn(i.input_fn(line), m))[0])"
    requests = "\n".join(json.dumps(trip.request) for trip in trips)
    done = subprocess.run([sys.executable, "-c", program], input=requests, capture_output=True, text=True, cwd=CODE, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [COMMITTED.problem(asked_in(trip.request), answer) for trip, answer in zip(trips, answers, strict=True)] == [None] * 500


@pytest.mark.parametrize("change", [{"late_probability": 10 * TOLERANCE}, {"warn": None}])
def test_fails_on_an_answer_that_is_not_the_model_s(change: dict[str, float | None]) -> None:
    model, asked = COMMITTED, april_trips()[0].asked
    outputs = {"late_probability": model.probability(asked) + (change.get("late_probability") or 0), "warn": model.warns(asked)}
    if "warn" in change:
        outputs["warn"] = not outputs["warn"]
    assert model.problem(asked, {"outputs": [{"name": name, "data": [value]} for name, value in outputs.items()]}) is not None
