"""Records of a transform job: objects cut into requests, and answers filtered, joined and put together.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html. Of JSONPath there is what selects columns of CSV or fields of
JSON: `$`, `$.a.b`, `$['a','b']`, `$[1:]`, `$[0,-1]`, `$[0,5:]`.
"""
from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

MEGABYTE = 1024 * 1024
_STEP = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<list>[^\]]+)\]")


class Refused(Exception):
    """Why an object cannot be transformed."""


def payloads(body: bytes, split: str, strategy: str | None, most: int) -> list[list[bytes]]:
    """The requests of one object, each a list of records."""
    if split == "None":
        return [[_fitting(body, most)]]
    lines = [_fitting(line, most) for line in body.split(b"\n") if line.strip()]
    if strategy != "MultiRecord":
        return [[line] for line in lines]
    requests: list[list[bytes]] = []
    size = 0
    for line in lines:
        if not requests or size + len(line) + 1 > most * MEGABYTE:
            requests.append([])
            size = 0
        requests[-1].append(line)
        size += len(line) + 1
    return requests


def filtered(record: bytes, path: str, content_type: str) -> bytes:
    """What of a record the model gets."""
    return record if path == "$" else _written(select(parsed(record, content_type), path), content_type)


def combined(records: list[bytes], answer: bytes, processing: dict[str, str], input_type: str, output_type: str) -> list[bytes]:
    """What is written for one request: its answer, or a line for each record when answers are joined or filtered."""
    path, join = processing.get("OutputFilter", "$"), processing.get("JoinSource", "None") == "Input"
    if path == "$" and not join:
        return [answer]
    answers = [line for line in answer.split(b"\n") if line.strip()] if len(records) > 1 else [answer.strip()]
    if len(answers) != len(records):
        raise Refused(f"{len(records)} records cannot be joined with {len(answers)} predictions: the model must answer one for each")
    lines = []
    for record, one in zip(records, answers):
        value = parsed(one, output_type)
        lines.append(_written(select(_joined(parsed(record, input_type), value) if join else value, path), output_type))
    return lines


def select(value: Any, path: str) -> Any:
    """What the path means in a row of CSV (a list of texts) or in a value of JSON."""
    rest = path.removeprefix("$")
    steps = list(_STEP.finditer(rest))
    if not path.startswith("$") or "".join(step[0] for step in steps) != rest:
        raise Refused(f"the filter '{path}' is not one that the local account knows")
    for step in steps:
        try:
            value = value[step["name"]] if step["name"] else _chosen(value, step["list"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Refused(f"the filter '{path}' does not fit the record: {error}") from error
    return value


def parsed(record: bytes, content_type: str) -> Any:
    """A row as its texts, or a value of JSON."""
    text = record.decode("utf-8")
    try:
        return json.loads(text) if "json" in content_type else next(csv.reader([text]))
    except (ValueError, StopIteration) as error:
        raise Refused(f"a record is not {content_type}: {error}") from error


def _written(value: Any, content_type: str) -> bytes:
    if "json" in content_type:
        return json.dumps(value).encode()
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return buffer.getvalue().encode()


def _joined(record: Any, answer: Any) -> Any:
    if isinstance(record, list) and isinstance(answer, list):
        return [*record, *answer]
    return {**record, "SageMakerOutput": answer} if isinstance(record, dict) else {"SageMakerInput": record, "SageMakerOutput": answer}


def _chosen(value: Any, text: str) -> Any:
    parts = [part.strip() for part in text.split(",")]
    if parts[0][:1] in "'\"":
        names = [part[1:-1] for part in parts]
        return value[names[0]] if len(names) == 1 else {name: value[name] for name in names}
    if len(parts) == 1 and ":" not in parts[0]:
        return value[int(parts[0])]
    chosen: list[Any] = []
    for part in parts:
        first, colon, last = part.partition(":")
        chosen += value[int(first) if first else None : int(last) if last else None] if colon else [value[int(part)]]
    return chosen


def _fitting(record: bytes, most: int) -> bytes:
    if len(record) > most * MEGABYTE:
        raise Refused(f"a record of {len(record)} bytes is larger than MaxPayloadInMB, {most}")
    return record
