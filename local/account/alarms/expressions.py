"""Metric math, the part that alarms use: arithmetic, comparisons, AND/OR, IF, FILL, MAX/MIN/SUM/AVG, METRICS().

An expression becomes a Python syntax tree of which only the listed nodes are evaluated. A value is a number or a
time series (one entry for each period, None where it is missing). Operations on a missing entry are missing.
"""
from __future__ import annotations

import ast
import operator
import re
from typing import Callable, Optional, Sequence, Union

Series = list[Optional[float]]
Value = Union[float, Series, list]

_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_COMPARE: dict[type, Callable[[float, float], bool]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


class ExpressionError(ValueError):
    """An expression that cannot be evaluated; the message says why."""


class _Array(list):
    """An array of time series, as METRICS() or [m1, m2] make it."""


def parse(expression: str) -> ast.expr:
    """The syntax tree of an expression."""
    text = re.sub(r"\bAND\b", " and ", expression)
    text = re.sub(r"\bOR\b", " or ", text)
    text = text.replace("&&", " and ").replace("||", " or ").replace("^", "**")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"cannot read expression {expression!r}: {error.msg}") from error


def names(tree: ast.expr) -> set[str]:
    """The metric ids that an expression mentions."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called} - {"REPEAT", "LINEAR"}


class Evaluation:
    """Evaluates expressions over `length` periods; `lookup(id)` gives the series of another metric or expression."""

    def __init__(self, length: int, period: int, lookup: Callable[[str], Value], metrics: Callable[[], Sequence[Series]]) -> None:
        self.length, self.period, self.lookup, self.metrics = length, period, lookup, metrics

    def series(self, expression: str) -> Series:
        """The result as a time series; a number becomes a constant one."""
        value = self.evaluate(parse(expression))
        if isinstance(value, _Array):
            raise ExpressionError(f"expression {expression!r} gives several time series; an alarm needs one")
        return value if isinstance(value, list) else [value] * self.length

    def evaluate(self, node: ast.expr) -> Value:
        """The value of one node."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return float(node.value)
        if isinstance(node, ast.Name):
            return self.lookup(node.id)
        if isinstance(node, ast.List):
            return _Array(self._as_series(self.evaluate(item)) for item in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._each(operator.neg, self.evaluate(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return self._each(_BINARY[type(node.op)], self.evaluate(node.left), self.evaluate(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
            test = _COMPARE[type(node.ops[0])]
            return self._each(lambda a, b: float(test(a, b)), self.evaluate(node.left), self.evaluate(node.comparators[0]))
        if isinstance(node, ast.BoolOp):
            return self._logical(isinstance(node.op, ast.And), [self.evaluate(value) for value in node.values])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id.upper(), node.args)
        raise ExpressionError(f"metric math {ast.unparse(node)!r} is not modelled")

    def _call(self, name: str, args: Sequence[ast.expr]) -> Value:
        if name == "METRICS" and not args:
            return _Array(self.metrics())
        if name == "FILL" and len(args) == 2:
            return self._fill(self.evaluate(args[0]), args[1])
        if name not in _FUNCTIONS:
            raise ExpressionError(f"metric math function {name} is not modelled")
        values = [self.evaluate(argument) for argument in args]
        if name == "IF" and len(values) in (2, 3):
            return self._choose(*values)
        if name in _AGGREGATES and values:
            return self._aggregate(_AGGREGATES[name], values)
        if name in _ELEMENTWISE and len(values) == 1:
            return self._each(_ELEMENTWISE[name], values[0])
        if name == "PERIOD" and len(values) == 1:
            return float(self.period)
        if name == "TIME_SERIES" and len(values) == 1:
            return self._as_series(values[0])
        raise ExpressionError(f"metric math function {name} with {len(args)} arguments is not modelled")

    def _as_series(self, value: Value) -> Series:
        return value if isinstance(value, list) else [value] * self.length

    def _each(self, function: Callable[..., float], *values: Value) -> Value:
        array = next((value for value in values if isinstance(value, _Array)), None)
        if array is not None:
            return _Array(self._each(function, *(value[i] if isinstance(value, _Array) else value for value in values)) for i in range(len(array)))
        if not any(isinstance(value, list) for value in values):
            return _number(function, values)
        return [_point(function, row) for row in zip(*(self._as_series(value) for value in values))]

    def _logical(self, every: bool, values: Sequence[Value]) -> Value:
        combine = all if every else any
        return self._each(lambda *row: float(combine(bool(item) for item in row)), *values)

    def _choose(self, condition: Value, then: Value, otherwise: Value | None = None) -> Value:
        if not isinstance(condition, list):
            return then if condition else (otherwise if otherwise is not None else [None] * self.length)
        rows = zip(condition, self._as_series(then), self._as_series(otherwise) if otherwise is not None else [None] * self.length)
        return [None if test is None else (yes if test else no) for test, yes, no in rows]

    def _fill(self, value: Value, filler: ast.expr) -> Value:
        if isinstance(value, _Array):
            return _Array(self._fill(series, filler) for series in value)
        series = self._as_series(value)
        if isinstance(filler, ast.Name) and filler.id == "REPEAT":
            return _repeat(series)
        if isinstance(filler, ast.Name) and filler.id == "LINEAR":
            raise ExpressionError("FILL(..., LINEAR) is not modelled")
        fill = self._as_series(self.evaluate(filler))
        return [other if item is None else item for item, other in zip(series, fill)]

    def _aggregate(self, function: Callable[[Sequence[float]], float], values: Sequence[Value]) -> Value:
        if len(values) == 1 and isinstance(values[0], list) and not isinstance(values[0], _Array):
            present = [item for item in values[0] if item is not None]
            return function(present) if present else [None] * self.length
        flat = [series for value in values for series in (value if isinstance(value, _Array) else [value])]
        if not any(isinstance(item, list) for item in flat):
            return function(flat)
        rows = [[item for item in row if item is not None] for row in zip(*(self._as_series(item) for item in flat))]
        return [function(row) if row else None for row in rows]


_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "MAX": max, "MIN": min, "SUM": sum, "AVG": lambda row: sum(row) / len(row),
}  # fmt: skip
_ELEMENTWISE: dict[str, Callable[[float], float]] = {
    "ABS": abs, "CEIL": lambda value: float(-(-value // 1)), "FLOOR": lambda value: float(value // 1),
}  # fmt: skip


_FUNCTIONS = {"IF", "PERIOD", "TIME_SERIES", *_AGGREGATES, *_ELEMENTWISE}


def _repeat(series: Series) -> Series:
    out: Series = []
    for item in series:
        out.append(item if item is not None else (out[-1] if out else None))
    return out


def _point(function: Callable[..., float], row: Sequence[Optional[float]]) -> Optional[float]:
    """A missing operand, or a division by zero, gives no datapoint."""
    if any(item is None for item in row):
        return None
    try:
        return function(*row)
    except (ZeroDivisionError, OverflowError):
        return None


def _number(function: Callable[..., float], values: Sequence[Value]) -> float:
    try:
        return function(*values)
    except ZeroDivisionError as error:
        raise ExpressionError("division of constants by zero") from error
