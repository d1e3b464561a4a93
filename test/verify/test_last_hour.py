"""The aggregate of the last hour: against a slow count, against the engine of training, and in the model's arithmetic."""
from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import flights_csv
from datasets import minutes
from last_hour import NAME, Departure, Departures, Hour, as_text
from model import Model
from trips import april_trips, completed, departure_of

ROOT = Path(__file__).parents[2]
CODE = ROOT / "examples" / "flight-delays" / "model" / "package"
COMMITTED = json.loads((CODE / "model.json").read_text(encoding="utf-8"))
TOLD = {**COMMITTED, "coefficients": [*COMMITTED["coefficients"], 1.25, -0.5, 0.75], "fields": {**COMMITTED["fields"], NAME: "FP64"}}


def test_the_end_of_the_hour_counts_and_its_beginning_does_not() -> None:
    departures = Departures(Departure("JFK", left, delay) for left, delay in ((880, 1), (881, 2), (940, 5), (941, 9)))
    assert departures.before("JFK", 1000) == Hour(3.5, 2, 940)
    assert departures.before("JFK", 1001) == Hour(7.0, 2, 941)
    assert departures.before("EWR", 1000) == departures.before("JFK", 800) == Hour(None, 0, None)


def test_any_departures_give_what_a_slow_count_gives() -> None:
    chance = random.Random(1)
    for _ in range(200):
        some = [Departure(chance.choice(["EWR", "JFK"]), chance.randrange(400), chance.randrange(-20, 200)) for _ in range(chance.randrange(60))]
        origin, scheduled = chance.choice(["EWR", "JFK"]), chance.randrange(600)
        inside = [one for one in some if one.origin == origin and scheduled - 120 < one.left <= scheduled - 60]
        hour = Departures(some).before(origin, scheduled)
        assert (hour.records, hour.newest) == (len(inside), max((one.left for one in inside), default=None))
        assert hour.value == (sum(one.delay for one in inside) / len(inside) if inside else None)


def test_it_is_written_as_the_engine_of_training_writes_it() -> None:
    """Other code, other arithmetic, the same texts, on three days that end in a storm."""
    names = flights_csv.columns()
    lines = [line.decode("ascii") for line in flights_csv.month(4) if line.split(b",")[2] in (b"8", b"9", b"10")]
    rows = [dict(zip(names, line.split(","))) for line in lines]
    own = Departures(left for left in map(departure_of, rows) if left is not None)
    program = "import sys, json; sys.path.insert(0, 'jobs'); from rolling_aggregate import Features\n"
    program += "records = [line.rstrip('\\n').split(',') for line in sys.stdin]\n"
    program += f"features = Features(json.load(open('examples/flight-delays/model/features.json')), {names!r})\n"
    program += "for record in records: features.add(record)\nfor record in records: print(*features.of(record))"
    done = subprocess.run([sys.executable, "-c", program], input="\n".join(lines), capture_output=True, text=True, cwd=ROOT, check=True)
    assert [as_text(own.before(row["origin"], minutes(row)).value) for row in rows] == done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("told", [None, -30.0, -10.0, 0.0, 7.25, 120.0, 500.0])
def test_the_model_s_arithmetic_agrees_with_the_container_s_code(told: float | None, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(TOLD), encoding="utf-8")
    model, trips = Model(TOLD), april_trips()[:40]
    program = f"import sys, json; sys.path.insert(0, 'code'); import inference as i; m = i.model_fn({str(tmp_path)!r})\n"
    program += "for line in sys.stdin: print(i.output_fn(i.predict_fn(i.input_fn(line), m))[0])"
    requests = "\n".join(json.dumps(completed(trip.request, told)) for trip in trips)
    done = subprocess.run([sys.executable, "-c", program], input=requests, capture_output=True, text=True, cwd=CODE, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [model.problem({**trip.asked, NAME: told}, answer) for trip, answer in zip(trips, answers, strict=True)] == [None] * 40


def test_fails_on_a_model_whose_fields_and_coefficients_differ() -> None:
    with pytest.raises(ValueError, match="has 3 coefficients of the last hour"):
        Model({**TOLD, "fields": COMMITTED["fields"]})
    with pytest.raises(ValueError, match="has 2 coefficients of the last hour"):
        Model({**TOLD, "coefficients": TOLD["coefficients"][:-1]})
