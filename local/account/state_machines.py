"""State machines: what the emulator would run differently from AWS without a word is refused when the machine is made."""
from __future__ import annotations

import json
from typing import Any, Iterator

import ministack.services.cloudformation.provisioners as _provisioners
import ministack.services.stepfunctions as _stepfunctions

ABSENT = ("ItemBatcher", "ResultWriter")
"""Fields of a distributed Map that the emulator ignores: items would come one by one, and no result would be written."""


def install() -> None:
    """Refuses such definitions at CreateStateMachine, UpdateStateMachine and in templates."""
    validate, read = _stepfunctions._validate_definition_jsonata, _provisioners._sfn_definition

    def validated(definition: Any) -> str | None:
        return _problem(definition) or validate(definition)

    def checked(props: dict) -> Any:
        definition = read(props)
        problem = _problem(definition)
        if problem:
            raise ValueError(problem)
        return definition

    _stepfunctions._validate_definition_jsonata = validated
    _provisioners._sfn_definition = checked


def _problem(definition: Any) -> str | None:
    try:
        states = json.loads(definition) if isinstance(definition, str) else definition
    except ValueError:
        return None
    found = sorted({name for node in _nodes(states) if node.get("Type") == "Map" for name in ABSENT if name in node})
    return f"{' and '.join(found)} of a Map state are absent in the local account (local/coverage.json): nothing would act on them" if found else None


def _nodes(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)
