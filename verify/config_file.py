"""What the blueprint's YAML file says about owners and the objective: read by indentation, because that is all that is needed of it."""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def owner(path: str, layer: str, severity: str = "page") -> tuple[str, list[str]]:
    """The team that owns a layer, and the queues to which its alarms go; tickets go to `page` where there is no `ticket`. Raises LookupError."""
    text = (ROOT / path).read_text(encoding="utf-8")
    team = re.search(rf"^ +{layer}: *([a-z][a-z0-9-]*)", _block(text, "owners"), re.MULTILINE)
    if team is None:
        raise LookupError(f"{path} names no owner of {layer}")
    settings = _block(_block(text, "teams"), team.group(1))
    return team.group(1), re.findall(r"\bqueue: *[\"']?([a-z][a-z0-9-]*)", _block(settings, severity) or _block(settings, "page"))


def contact(path: str, team: str) -> str | None:
    """The address of a team."""
    return _value(_block(_block((ROOT / path).read_text(encoding="utf-8"), "teams"), team), "contact", r"[^\s\"']+")


def gate_settings(path: str, model: str) -> dict[str, list[float]]:
    """The numbers that an endpoint's `gate` gives, by name, and `latencyBelowMs` of its `slo`."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
    endpoint = _block(_block(text, "endpoints"), model)
    latency = re.findall(r"\blatencyBelowMs: *[0-9.]+", _block(endpoint, "slo"))
    found = re.findall(r"\b([a-z]\w*): *(\[[0-9., ]+\]|[0-9.]+)(?=[\s,}]|$)", "\n".join([_block(endpoint, "gate"), *latency]), re.IGNORECASE)
    return {name: [float(number) for number in re.findall(r"[0-9.]+", text)] for name, text in found}


def label_delay_days(path: str, model: str) -> int:
    """Days between the splits that an endpoint's training leaves out."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
    return int(_value(_block(_block(_block(text, "endpoints"), model), "training"), "labelDelayDays", r"\d+") or 0)


def event_time(path: str, model: str) -> list[str]:
    """Columns by which the data of an endpoint's training is divided."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
    training = _block(_block(_block(text, "endpoints"), model), "training")
    return re.findall(r"\w+", re.search(r"\beventTime: *\[([^\]]*)\]", training)[1])  # type: ignore[index]


def signature_inputs(path: str, model: str) -> list[str]:
    """Names of the tensors that an endpoint takes, in their order; none when the file gives no signature."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
    inputs = _block(_block(_block(_block(text, "endpoints"), model), "signature"), "inputs")
    return re.findall(r"\bname: *[\"']?(\w+)", inputs)


def signature_features(path: str, model: str) -> list[str]:
    """Features that the tensors of an endpoint are filled with; none when requests bring them all."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
    inputs = _block(_block(_block(_block(text, "endpoints"), model), "signature"), "inputs")
    return re.findall(r"\bfeature: *[\"']?(\w+)", inputs)


@dataclass(frozen=True)
class Objective:
    """What the file promises about the warnings. `name` and `guard` name the metrics."""

    name: str
    guard: str
    days: int
    minimum_labels: int


def objective(path: str) -> Objective:
    """The objective. Raises LookupError."""
    block = _block((ROOT / path).read_text(encoding="utf-8"), "objective")
    guard = _block(block, "guard")
    own = block.replace(guard, "\n") if guard else block
    labels = _value(own, "minimumLabels", r"\d+") or "1000"
    found = (_value(own, "name", r"\w+"), _value(guard, "name", r"\w+"), _value(own, "overDays", r"\d+"))
    if None in found:
        raise LookupError(f"{path} has no objective with name, guard and overDays")
    name, ceiling, days = (str(value) for value in found)
    return Objective(name, ceiling, int(days), int(labels))


def prefix(path: str) -> str:
    """`<workload>-<stage>`, which starts every physical name. Raises LookupError."""
    text = (ROOT / path).read_text(encoding="utf-8")
    values = [re.search(rf"^{name}: *[\"']?([a-z][a-z0-9-]*)", text, re.MULTILINE) for name in ("workload", "stage")]
    if None in values:
        raise LookupError(f"{path} names no workload or no stage")
    return "-".join(value.group(1) for value in values if value)


def _value(text: str, key: str, pattern: str) -> str | None:
    """The value of a key of a block, on a line of its own or in braces."""
    match = re.search(rf"(?:^|[{{,]) *{re.escape(key)}: *[\"']?({pattern})", text, re.MULTILINE)
    return match.group(1) if match else None


def _block(text: str, key: str) -> str:
    """What stands under a key: the rest of its line and the lines that are indented more than it."""
    match = re.search(rf"^( *){re.escape(key)}:(.*\n(?:(?:\1[ ]+.*|[ ]*#.*|[ ]*)\n)*)", text + "\n", re.MULTILINE)
    return match.group(2) if match else ""
