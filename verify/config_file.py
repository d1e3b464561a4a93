"""What the blueprint's YAML file says about owners: read by indentation, because that is all that is needed of it."""
from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def serving_owner(path: str) -> tuple[str, list[str]]:
    """The team that owns serving, and the queues of its `page` destinations. Raises LookupError."""
    text = (ROOT / path).read_text(encoding="utf-8")
    team = re.search(r"^ +serving: *([a-z][a-z0-9-]*)", _block(text, "owners"), re.MULTILINE)
    if team is None:
        raise LookupError(f"{path} names no owner of serving")
    page = _block(_block(_block(text, "teams"), team.group(1)), "page")
    return team.group(1), re.findall(r"\bqueue: *[\"']?([a-z][a-z0-9-]*)", page)


def prefix(path: str) -> str:
    """`<workload>-<stage>`, which starts every physical name."""
    text = (ROOT / path).read_text(encoding="utf-8")
    values = [re.search(rf"^{name}: *[\"']?([a-z][a-z0-9-]*)", text, re.MULTILINE) for name in ("workload", "stage")]
    if None in values:
        raise LookupError(f"{path} names no workload or no stage")
    return "-".join(value.group(1) for value in values if value)


def _block(text: str, key: str) -> str:
    """What stands under a key: the rest of its line and the lines that are indented more than it."""
    match = re.search(rf"^( *){re.escape(key)}:(.*\n(?:(?:\1[ ]+.*|[ ]*#.*|[ ]*)\n)*)", text + "\n", re.MULTILINE)
    return match.group(2) if match else ""
