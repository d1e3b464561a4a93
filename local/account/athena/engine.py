"""Runs a planned query in DuckDB, which sees the rows of the plan's tables and nothing else: no files, no network, no variables of this program."""
from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow

from .errors import QueryError, not_here

_SETTINGS = ("enable_external_access = false", "python_enable_replacements = false", "TimeZone = 'UTC'", "lock_configuration = true")
_MACROS = """
CREATE MACRO whole_division(a, b) AS CASE WHEN b = 0 THEN error('DIVISION_BY_ZERO: Division by zero') ELSE a // b END;
CREATE MACRO whole_remainder(a, b) AS CASE WHEN b = 0 THEN error('DIVISION_BY_ZERO: Division by zero') ELSE a % b END;
"""
# Of the engine's types, what Athena calls them. A sum of whole numbers is a bigint there, and too large a one an error.
_TYPES = {
    "BOOLEAN": "boolean", "INTEGER": "integer", "BIGINT": "bigint", "HUGEINT": "bigint", "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "varchar",
    "DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_MS": "timestamp", "DECIMAL": "decimal",
}  # fmt: skip
_BIGINT = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Answer:
    """Names and types of the columns, and the rows as Athena spells them; None is null."""

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]


def run(text: str, tables: list[pyarrow.Table]) -> Answer:
    """Raises QueryError with the engine's words."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(_MACROS)
        for number, table in enumerate(tables):
            connection.register(f"table_{number}", table)
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        result = connection.execute(text)
        names = [_name(column[0], index) for index, column in enumerate(result.description)]
        types = [_type(str(column[1])) for column in result.description]
        return Answer(names, types, [[_spelled(value) for value in row] for row in result.fetchall()])
    except duckdb.Error as error:
        raise QueryError(re.sub(r"^Invalid Input Error: (?=[A-Z_]+:)", "", str(error))) from error
    finally:
        connection.close()


def _name(name: str, index: int) -> str:
    """A column without a name is called by its place."""
    return f"_col{index}" if re.fullmatch(r"_col_\d+", name) else name


def _type(name: str) -> str:
    found = _TYPES.get(name.upper().split("(")[0])
    if found is None:
        raise not_here(f"queries that answer with {name}")
    return found


def _spelled(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, int) and value not in _BIGINT:
        raise QueryError(f"NUMERIC_VALUE_OUT_OF_RANGE: bigint overflow: {value}")
    return str(value)


def _double(value: float) -> str:
    """As Java spells it, in which Athena is written: with an exponent below a thousandth and from ten million.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Double.html#toString(double)
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    negative, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    rest = "".join(str(digit) for digit in digits[1:]) or "0"
    return f"{'-' if negative else ''}{digits[0]}.{rest}E{len(digits) - 1 + int(exponent)}"
