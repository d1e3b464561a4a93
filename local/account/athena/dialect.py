"""The part of Athena's SQL that the account's engine answers as Athena does; everything else is refused, so that no answer is a guess.

Athena speaks Trino's dialect (https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html). Left out is what both engines have with another meaning
(greatest and concat of nulls, approximate counts, numbers as text) and what nobody has asked for yet.
"""
from __future__ import annotations

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from .errors import Malformed, not_here

DIALECT = "trino"

_CLAUSES = """Select From Where Group Having Order Ordered Limit Offset Join CTE With Union Except Intersect Subquery Table TableAlias Alias Identifier
    Column Star Distinct Literal Boolean Null Paren Tuple Window WindowSpec Filter Var"""
_OPERATORS = "And Or Not EQ NEQ GT GTE LT LTE Is In Between Like Exists Add Sub Mul Div Mod Neg DPipe Case If Coalesce Nullif Cast TryCast DataType"
_AGGREGATES = "Count CountIf Sum Avg Min Max ArgMax ArgMin Stddev StddevSamp StddevPop Variance VariancePop Corr"
_WINDOWS = "RowNumber Rank DenseRank Lag Lead FirstValue LastValue"
_SCALARS = "Abs Round Floor Ceil Exp Ln Sqrt Pow Lower Upper Length Substring Trim Extract Year Month Day Hour Minute Second TimestampTrunc DateTrunc"
_KNOWN = frozenset(" ".join([_CLAUSES, _OPERATORS, _AGGREGATES, _WINDOWS, _SCALARS]).split())

_WHOLE = exp.DataType.INTEGER_TYPES
_TEXT = exp.DataType.TEXT_TYPES
_DOUBLES = {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
_DAY, _TIMESTAMP, _BOOLEAN = exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.BOOLEAN
# What a cast means the same in both engines, from and to; a double as text or as whole number does not.
_CASTS = (
    ({*_WHOLE, *_DOUBLES, exp.DataType.Type.DECIMAL}, _DOUBLES),
    ({*_WHOLE, *_TEXT}, _WHOLE),
    ({*_WHOLE, *_TEXT, _DAY}, _TEXT),
    ({*_TEXT, _DAY, _TIMESTAMP}, {_DAY}),
    ({*_TEXT, _DAY, _TIMESTAMP}, {_TIMESTAMP}),
    ({*_TEXT}, _DOUBLES),
    ({_BOOLEAN}, {_BOOLEAN}),
)


def parsed(text: str) -> exp.Query:
    """The one query that a text is. Raises Malformed for what is none, also for statements that only Athena runs."""
    try:
        statements = [statement for statement in parse(text, dialect=DIALECT) if statement is not None]
    except SqlglotError as error:
        raise Malformed(str(error).splitlines()[0]) from error
    if len(statements) != 1:
        raise Malformed(f"Only one sql statement is allowed. Got {len(statements)}")
    if not isinstance(statements[0], exp.Query):
        raise Malformed("the local account runs SELECT alone; other statements, and words that start none, are refused")
    return statements[0]


def check(tree: exp.Expression) -> None:
    """Raises for what the engine would answer differently. The tree knows its types."""
    for node in tree.walk():
        if type(node).__name__ not in _KNOWN:
            raise not_here(f"{type(node).__name__}: {node.sql(DIALECT)[:80]}")
        if isinstance(node, exp.Cast) and not node.this.is_number and not any(_type(node.this) in source and node.to.this in target for source, target in _CASTS):
            raise not_here(f"{node.sql(DIALECT)[:80]}, whose argument is {_name(node.this)}")
        if isinstance(node, (exp.Div, exp.Mod)) and not (_whole(node) or _type(node.this) in _DOUBLES or _type(node.expression) in _DOUBLES):
            raise not_here(f"{node.sql(DIALECT)[:80]} of {_name(node.this)} and {_name(node.expression)}: cast one side to double")
        if isinstance(node, exp.Avg) and _type(node.this) not in {*_WHOLE, *_DOUBLES}:
            raise not_here(f"{node.sql(DIALECT)[:80]} of {_name(node.this)}: cast it to double")


def decimal_literals(tree: exp.Expression) -> exp.Expression:
    """A number with a point and no exponent is a decimal to Athena (https://trino.io/docs/current/language/types.html), not a double."""

    def change(node: exp.Expression) -> exp.Expression:
        if not node.is_number or not isinstance(node, exp.Literal) or "." not in node.this or "e" in node.this.lower():
            return node
        whole, _, part = node.this.partition(".")
        return exp.cast(node, f"DECIMAL({len(whole) + len(part)}, {len(part)})")

    return tree.transform(change)


def whole_divisions(tree: exp.Expression) -> exp.Expression:
    """Division of whole numbers drops the rest, and by zero it is an error; the engine has that as macros."""

    def change(node: exp.Expression) -> exp.Expression:
        if isinstance(node, (exp.Div, exp.Mod)) and _whole(node):
            name = "whole_division" if isinstance(node, exp.Div) else "whole_remainder"
            return exp.Anonymous(this=name, expressions=[node.this, node.expression])
        return node

    return tree.transform(change)


def _whole(node: exp.Binary) -> bool:
    return _type(node.this) in _WHOLE and _type(node.expression) in _WHOLE


def _type(node: exp.Expression) -> exp.DataType.Type | None:
    return node.type.this if node.type is not None else None


def _name(node: exp.Expression) -> str:
    found = _type(node)
    return "of unknown type" if found is None else found.value.lower()
