"""What the verifier reads of the blueprint's YAML file."""
from __future__ import annotations

from pathlib import Path

import pytest

from config_file import Objective, contact, event_time, gate_settings, label_delay_days, objective, owner, prefix, signature_features, signature_inputs


@pytest.mark.parametrize("path", ["config/dev.yaml", "config/prod.yaml"])
def test_the_owner_of_serving_and_its_inbox_are_read_from_the_config(path: str) -> None:
    assert owner(path, "serving") == ("ml-platform", ["ml-platform-alerts"])
    assert prefix(path) == f"flight-delays-{'dev' if 'dev' in path else 'prod'}"


def test_a_page_list_in_block_form_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    owners = "owners:\n  # who\n  data: a\n  serving: b # them\n"
    text = owners + "teams:\n  a: { page: [{ queue: x }] }\n  b:\n    page:\n      - queue: 'y'\n      - email: c@d.e\n    ticket:\n      - queue: z\n"
    file.write_text(text)
    assert owner(str(file), "serving") == ("b", ["y"])


def test_tickets_have_destinations_of_their_own_or_go_where_pages_go(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("owners:\n  delivery: a\n  data: b\nteams:\n  a:\n    page: [{ queue: x }]\n    ticket: [{ queue: y }]\n  b:\n    contact: b@c.d\n    page: [{ queue: z }]\n")
    assert [owner(str(file), layer, "ticket") for layer in ("delivery", "data")] == [("a", ["y"]), ("b", ["z"])]
    assert (contact(str(file), "b"), contact(str(file), "a")) == ("b@c.d", None)


def test_the_numbers_of_a_gate_are_read_and_its_comments_are_not(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    gate = "        gate:\n          aucBand: [0.6, 0.7] # was alpha: 0.3\n          alpha: 0.1\n"
    file.write_text(f"endpoints:\n  m:\n    model:\n      training:\n{gate}    slo: {{ latencyPercentile: 99, latencyBelowMs: 250 }}\n")
    assert gate_settings(str(file), "m") == {"aucBand": [0.6, 0.7], "alpha": [0.1], "latencyBelowMs": [250]}
    assert gate_settings(str(file), "n") == {}


def test_the_label_delay_is_that_of_the_endpoint_and_none_where_the_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    training = "      training:\n        dataset: x\n        labelDelayDays: {} # not 9\n"
    file.write_text("endpoints:\n" + "".join(f"  {name}:\n    model:\n{training.format(days)}" for name, days in (("a", 3), ("b", 14))))
    assert [label_delay_days(str(file), name) for name in ("a", "b", "c")] == [3, 14, 0]
    assert label_delay_days("config/dev.yaml", "delay") == 0
    assert event_time("config/dev.yaml", "delay") == ["year", "month", "day"]


@pytest.mark.parametrize("path", ["config/dev.yaml", "config/prod.yaml"])
def test_the_objective_is_read_from_the_config(path: str) -> None:
    assert objective(path) == Objective("WarnedLateArrivals", "WarningsPerFlight", 28, 1000)


def test_the_guard_may_come_first_and_in_block_form_and_labels_have_the_schemas_default(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("objective:\n  guard:\n    name: Price\n    atMostPercent: 5\n  overDays: 7\n  name: 'Value'\nbudget: { overDays: 9 }\n")
    assert objective(str(file)) == Objective("Value", "Price", 7, 1000)


@pytest.mark.parametrize("text", ["", "objective:\n  name: A\n  overDays: 7\n", "objective:\n  name: A\n  guard: { name: B }\n"])
def test_fails_on_a_config_without_a_whole_objective(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(text)
    with pytest.raises(LookupError, match="no objective with name, guard and overDays"):
        objective(str(file))


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_inputs_of_a_signature_are_those_of_the_file_and_no_outputs(stage: str) -> None:
    names = signature_inputs(f"config/{stage}.yaml", "delay")
    assert names == ["minute_of_day", "weekday", "distance", "carrier", "origin", "dest", "origin_delay"]
    assert signature_features(f"config/{stage}.yaml", "delay") == ["origin_delay"]
    assert signature_inputs(f"config/{stage}.yaml", "eta") == signature_features(f"config/{stage}.yaml", "eta") == []
