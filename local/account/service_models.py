"""AWS APIs as botocore describes them: inputs are validated and outputs shaped by the service's own model.

botocore checks names, types and required members; ranges, patterns and enumerations of the same model are checked here, so that
a wrong parameter fails as it would in AWS.
"""
from __future__ import annotations

import datetime
import functools
import re
from typing import Any, Callable

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator


class ApiError(Exception):
    """An error of an AWS API: its code and message reach the caller."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.fields = code, message, status, fields


@functools.lru_cache(maxsize=None)
def service(name: str) -> ServiceModel:
    """The model of one service."""
    return botocore.session.get_session().get_service_model(name)


def operation(name: str, action: str) -> OperationModel:
    """One operation. Raises ApiError for one that the service does not have."""
    model = service(name)
    if action not in model.operation_names:
        raise ApiError("UnknownOperationException", f"{name} has no operation {action}", 404)
    return model.operation_model(action)


def validated(name: str, action: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters, converted to the types of the model. Raises ApiError with every problem."""
    shape = operation(name, action).input_shape
    converted = _convert(params, shape)
    report = ParamValidator().validate(converted, shape)
    problems = [line for line in report.generate_report().split("\n") if line] if report.has_errors() else list(_constraints(converted, shape, ""))
    if problems:
        count = len(problems)
        raise ApiError("ValidationException", f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}")
    return converted


def shaped(name: str, action: str, value: dict[str, Any]) -> dict[str, Any]:
    """Only what the operation's output has, with times as epoch seconds."""
    shape = operation(name, action).output_shape
    return {} if shape is None else _shape(value, shape)


def times_as(name: str, action: str, value: dict[str, Any], render: Callable[[float], Any]) -> dict[str, Any]:
    """A shaped output with its times, epoch seconds, written in another way."""
    shape = operation(name, action).output_shape
    return value if shape is None else _rendered(value, shape, render)


def _convert(value: Any, shape: Shape) -> Any:
    """CloudFormation hands numbers and booleans over as texts: the model says what they are."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: _convert(item, shape.members[key]) if key in shape.members else item for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_convert(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _convert(item, shape.value) for key, item in value.items()}
    if isinstance(value, str):
        if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", value):
            return int(value)
        if shape.type_name in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        if shape.type_name == "boolean" and value in ("true", "false"):
            return value == "true"
    if shape.type_name == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


def _constraints(value: Any, shape: Shape, path: str) -> Any:
    if isinstance(shape, StructureShape):
        for key, item in value.items():
            yield from _constraints(item, shape.members[key], f"{path}.{key}".lstrip("."))
    elif isinstance(shape, ListShape):
        yield from _length(value, shape, path)
        for index, item in enumerate(value):
            yield from _constraints(item, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        yield from _length(value, shape, path)
        for key, item in value.items():
            yield from _constraints(key, shape.key, f"{path} key '{key}'")
            yield from _constraints(item, shape.value, f"{path}.{key}")
    elif isinstance(value, str):
        yield from _length(value, shape, path)
        if shape.enum and value not in shape.enum:
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must have value between {low} and {high}"


def _length(value: Any, shape: Shape, path: str) -> Any:
    high = shape.metadata.get("max")
    if high is not None and len(value) > high:
        yield f"Value at '{path}' failed to satisfy constraint: Member must have length less than or equal to {high}"


def _rendered(value: Any, shape: Shape, render: Callable[[float], Any]) -> Any:
    if isinstance(shape, StructureShape):
        return {key: _rendered(item, shape.members[key], render) for key, item in value.items()}
    if isinstance(shape, ListShape):
        return [_rendered(item, shape.member, render) for item in value]
    return render(value) if shape.type_name == "timestamp" else value


@functools.lru_cache(maxsize=None)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:  # a few patterns use syntax of other regular expression engines
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _shape(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return {key: _shape(value[key], member) for key, member in shape.members.items() if value.get(key) is not None}
    if isinstance(shape, ListShape):
        return [_shape(item, shape.member) for item in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value
