"""What Athena refuses by its types, and what it and the engine would answer differently: both are refused here, so that no answer is a guess.

Athena does not convert between texts and numbers by itself (https://trino.io/docs/current/functions/conversion.html); the engine does, and rounds where
Athena refuses.
"""
from __future__ import annotations

import re

from sqlglot import exp

from .errors import QueryError, not_here

_Type = exp.DataType.Type
WHOLE, TEXT, DOUBLES = exp.DataType.INTEGER_TYPES, exp.DataType.TEXT_TYPES, {_Type.DOUBLE, _Type.FLOAT}
_FAMILIES = ({*WHOLE, *DOUBLES, _Type.DECIMAL}, TEXT, {_Type.DATE, _Type.TIMESTAMP}, {_Type.BOOLEAN})
# What a cast means the same in both engines, from and to; a double as text or as whole number, or a text as number, does not.
_CASTS = (
    ({*WHOLE, *DOUBLES, _Type.DECIMAL}, DOUBLES),
    (WHOLE, WHOLE),
    ({*WHOLE, *TEXT, _Type.DATE}, TEXT),
    ({_Type.DATE, _Type.TIMESTAMP}, {_Type.DATE, _Type.TIMESTAMP}),
    ({_Type.BOOLEAN}, {_Type.BOOLEAN}),
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d(\.\d{1,3})?)?)?")
_PARTS = {"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE"}
_UNITS = {*_PARTS, "WEEK", "SECOND"}


def whole(node: exp.Binary) -> bool:
    """Both sides are whole numbers."""
    return _type(node.this) in WHOLE and _type(node.expression) in WHOLE


def is_day(node: exp.Expression) -> bool:
    """It has no time of day."""
    return _type(node) == _Type.DATE


def check(node: exp.Expression) -> None:
    """Raises for one node of a tree that knows its types."""
    for kinds, problem in _CHECKS:
        if isinstance(node, kinds):
            problem(node)


def _cast(node: exp.Cast) -> None:
    source, to = node.this, node.to.this
    if source.is_number or isinstance(source, exp.Null):
        return
    if source.is_string and to in {_Type.DATE, _Type.TIMESTAMP} and _INSTANT.fullmatch(source.this):
        return
    if not any(_type(source) in sources and to in targets for sources, targets in _CASTS):
        raise _differs(node, f", whose argument is {_name(source)}")


def _division(node: exp.Binary) -> None:
    if not (whole(node) or _type(node.this) in DOUBLES or _type(node.expression) in DOUBLES):
        raise _differs(node, f" of {_name(node.this)} and {_name(node.expression)}: cast one side to double")


def _average(node: exp.Avg) -> None:
    if _type(node.this) not in {*WHOLE, *DOUBLES}:
        raise _differs(node, f" of {_name(node.this)}: cast it to double")


def _substring(node: exp.Substring) -> None:
    start = node.args.get("start")
    if not (isinstance(start, exp.Literal) and start.is_int and int(start.this) > 0):
        raise _differs(node, ": it starts at a number from 1")


def _part(node: exp.Extract) -> None:
    if node.name.upper() not in _PARTS:
        raise _differs(node, f": of an instant there are {', '.join(sorted(_PARTS))}")


def _unit(node: exp.Expression) -> None:
    if node.text("unit").upper() not in _UNITS:
        raise _differs(node, f": units are {', '.join(sorted(_UNITS))}")


def _same_family(node: exp.Binary) -> None:
    _together(node, node.this, node.expression)


def _range(node: exp.Between) -> None:
    _together(node, node.this, node.args["low"], node.args["high"])


def _list(node: exp.In) -> None:
    _together(node, node.this, *node.expressions)


def _numbers(node: exp.Binary) -> None:
    _all_of(node, _FAMILIES[0])


def _texts(node: exp.Binary) -> None:
    _all_of(node, TEXT)


def _together(node: exp.Expression, *parts: exp.Expression) -> None:
    """Of parts whose type is not known, such as null, nothing is said."""
    families = {index for part in parts for index, family in enumerate(_FAMILIES) if _type(part) in family}
    if len(families) > 1:
        raise QueryError(f"TYPE_MISMATCH: Cannot apply operator: {node.sql('trino')[:80]}: {' and '.join(map(_name, parts))}")


def _all_of(node: exp.Binary, family: object) -> None:
    for part in (node.this, node.expression):
        if _type(part) not in family and not isinstance(part, exp.Null):  # type: ignore[operator]
            raise QueryError(f"TYPE_MISMATCH: Cannot apply operator: {node.sql('trino')[:80]}: {_name(node.this)} and {_name(node.expression)}")


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_CHECKS = (
    (exp.Cast, _cast), ((exp.Div, exp.Mod), _division), (exp.Avg, _average), (exp.Substring, _substring), (exp.Extract, _part),
    ((exp.TimestampTrunc, exp.DateTrunc), _unit), (_COMPARISONS, _same_family), (exp.Between, _range), (exp.In, _list),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _numbers), ((exp.DPipe, exp.Like), _texts),
)  # fmt: skip


def _differs(node: exp.Expression, why: str) -> QueryError:
    return not_here(f"{node.sql('trino')[:80]}{why}")


def _type(node: exp.Expression) -> exp.DataType.Type | None:
    return node.type.this if node.type is not None else None


def _name(node: exp.Expression) -> str:
    found = _type(node)
    return "of unknown type" if found is None else found.value.lower()
