"""The part of Athena's SQL that the account's engine answers as Athena does; everything else is refused, so that no answer is a guess.

Athena speaks Trino's dialect (https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html). Left out is what both engines have with another meaning
(greatest and concat of nulls, trim, max_by, approximate counts) and what nobody has asked for yet.
"""
from __future__ import annotations

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from . import meanings
from .errors import Malformed, not_here

DIALECT = "trino"

_CLAUSES = """Select From Where Group Having Order Ordered Limit Offset Join CTE With Union Except Intersect Subquery Table TableAlias Alias Identifier
    Column Star Distinct Literal Boolean Null Paren Tuple Window WindowSpec Filter Var"""
_OPERATORS = "And Or Not EQ NEQ GT GTE LT LTE Is In Between Like Exists Add Sub Mul Div Mod Neg DPipe Case If Coalesce Nullif Cast TryCast DataType DataTypeParam"
_AGGREGATES = "Count CountIf Sum Avg Min Max Stddev StddevSamp StddevPop Variance VariancePop Corr"
_WINDOWS = "RowNumber Rank DenseRank Lag Lead FirstValue LastValue"
_SCALARS = "Abs Round Floor Ceil Exp Ln Sqrt Pow Lower Upper Length Substring Extract Year Month Day Hour Minute TimestampTrunc DateTrunc"
_KNOWN = frozenset(" ".join([_CLAUSES, _OPERATORS, _AGGREGATES, _WINDOWS, _SCALARS]).split())


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
        meanings.check(node)


def decimal_literals(tree: exp.Expression) -> exp.Expression:
    """A number with a point and no exponent is a decimal to Athena (https://trino.io/docs/current/language/types.html), not a double."""

    def change(node: exp.Expression) -> exp.Expression:
        if not node.is_number or not isinstance(node, exp.Literal) or "." not in node.this or "e" in node.this.lower():
            return node
        whole, _, part = node.this.partition(".")
        return exp.cast(node, f"DECIMAL({len(whole) + len(part)}, {len(part)})")

    return tree.transform(change)


def for_engine(query: exp.Expression) -> exp.Expression:
    """Division of whole numbers drops the rest, and by zero it is an error: the engine has that as macros. A day that is cut stays a day."""
    tree = query.copy()
    divisions = [node for node in tree.find_all(exp.Div, exp.Mod) if meanings.whole(node)]
    for node in reversed(divisions):  # those further in first
        name = "whole_division" if isinstance(node, exp.Div) else "whole_remainder"
        node.replace(exp.Anonymous(this=name, expressions=[node.this, node.expression]))
    for node in list(tree.find_all(exp.TimestampTrunc, exp.DateTrunc)):
        if meanings.is_day(node.this):
            node.replace(exp.Cast(this=node.copy(), to=exp.DataType.build("DATE")))
    return tree
