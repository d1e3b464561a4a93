"""What a query reads: tables, the versions that it names, columns, and the text for the engine."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from . import dialect
from .errors import QueryError, not_here

CATALOG = "awsdatacatalog"
Lookup = Callable[[str, str], "dict[str, Any] | None"]
"""The table of a database in the catalogue, by names in lower case."""


@dataclass(frozen=True)
class Scan:
    """One place of a query that reads a table."""

    table: tuple[str, str]
    """Database and name."""
    columns: frozenset[str]
    """Those that Athena would read, partition keys left out."""
    partitions: frozenset[tuple[str, ...]]
    """Values of the partition keys, in their order."""


@dataclass(frozen=True)
class Plan:
    """A query of which everything is known but its rows."""

    text: str
    """SQL of the engine; table i of `tables` is called `table_i`."""
    tables: tuple[tuple[str, str], ...]
    scans: tuple[Scan, ...]


def keys_of(table: dict[str, Any]) -> list[str]:
    """Names of the partition keys."""
    return [key["Name"].lower() for key in table.get("PartitionKeys") or []]


def plan(query: exp.Query, database: str, lookup: Lookup) -> Plan:
    """Raises QueryError for what Athena refuses, and for what this account does not run."""
    tables = _tables(query, database, lookup)
    try:
        tree = _qualified(query, database, tables)
    except SqlglotError as error:
        raise QueryError(f"COLUMN_NOT_FOUND: {str(error).splitlines()[0]}") from error
    dialect.check(tree)
    places = dict(_places(tree, tables))
    read = _columns_read(tree, tables)
    scans = tuple(Scan(table, read[use], partitions) for use, (table, partitions) in places.items())
    names = tuple(tables)
    return Plan(_text(dialect.for_engine(tree), names), names, scans)


def _tables(query: exp.Query, database: str, lookup: Lookup) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for node in qualify_tables(query.copy(), db=database, catalog=CATALOG, dialect=dialect.DIALECT).find_all(exp.Table):
        if not node.db:
            continue  # of a WITH clause
        place, name = node.db.lower(), node.name.lower()
        table = lookup(place, name) if node.catalog.lower() == CATALOG and name else None
        if table is None:
            raise QueryError(f"TABLE_NOT_FOUND: Table '{node.catalog.lower()}.{place}.{name}' does not exist")
        found[place, name] = table
    return found


def _qualified(query: exp.Query, database: str, tables: dict[tuple[str, str], dict[str, Any]]) -> exp.Expression:
    schema = MappingSchema(dialect=dialect.DIALECT)
    for (place, name), table in tables.items():
        columns = [*table["StorageDescriptor"]["Columns"], *(table.get("PartitionKeys") or [])]
        types = {column["Name"].lower(): column["Type"].replace("string", "varchar") for column in columns}
        schema.add_table(exp.table_(name, db=place, catalog=CATALOG), types, dialect=dialect.DIALECT)
    tree = qualify(dialect.decimal_literals(query.copy()), schema=schema, db=database, catalog=CATALOG, dialect=dialect.DIALECT)
    return annotate_types(tree, schema=schema, dialect=dialect.DIALECT)


def _uses(tree: exp.Expression) -> Iterator[tuple[tuple[int, str], Scope, exp.Table]]:
    """Each table of the catalogue that a SELECT reads, by the SELECT's number and the name there."""
    for number, scope in enumerate(traverse_scope(tree)):
        for alias, source in scope.sources.items():
            if isinstance(source, exp.Table) and source.db:
                yield (number, alias), scope, source


def _columns_read(tree: exp.Expression, tables: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[int, str], frozenset[str]]:
    """As Athena reads them: a column that only a SELECT further in names, and nobody uses, is not read."""
    read = {}
    for use, scope, source in _uses(pushdown_projections(tree.copy())):
        named = {column.name.lower() for column in scope.columns if column.table == use[1]}
        read[use] = frozenset(named - set(keys_of(tables[source.db, source.name])))
    return read


def _places(
    tree: exp.Expression, tables: dict[tuple[str, str], dict[str, Any]]
) -> Iterator[tuple[tuple[int, str], tuple[tuple[str, str], frozenset[tuple[str, ...]]]]]:
    for use, scope, source in _uses(tree):
        table = (source.db, source.name)
        keys = keys_of(tables[table])
        if len(keys) > 1:
            raise not_here(f"queries of tables with several partition keys, such as {'.'.join(table)}")
        values = [_values(scope, use[1], key) for key in keys]
        yield use, (table, frozenset({()}) if not keys else frozenset((value,) for value in values[0]))


def _values(scope: Scope, alias: str, key: str) -> frozenset[str]:
    """What the conditions on a partition key leave. They must stand in the SELECT that reads the table; Athena also takes them from further out.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html
    """
    found = [values for condition in _conditions(scope, alias) if (values := _static(condition, alias, key)) is not None]
    if not found:
        raise QueryError(
            f"CONSTRAINT_VIOLATION: For the injected projected partition column {key}, the WHERE clause must contain only static equality conditions, "
            "and at least one such condition must be present."
        )
    return frozenset.intersection(*found)


def _conditions(scope: Scope, alias: str) -> Iterator[exp.Expression]:
    """What every row of a table that counts fulfils: not the ON of an outer join for the side that it keeps."""
    select = scope.expression
    clauses = [select.args["where"].this] if select.args.get("where") else []
    for join in select.args.get("joins") or []:
        outer = (join.side or "").upper()
        if join.args.get("on") and (outer == "" or (outer == "LEFT" and join.alias_or_name == alias)):
            clauses.append(join.args["on"])
    for clause in clauses:
        clause = clause.unnest()
        yield from (part.unnest() for part in (clause.flatten() if isinstance(clause, exp.And) else [clause]))


def _static(condition: exp.Expression, alias: str, key: str) -> frozenset[str] | None:
    if isinstance(condition, exp.EQ):
        sides = [condition.left, condition.right]
        column, values = next(((side, [other]) for side, other in (sides, sides[::-1]) if isinstance(side, exp.Column)), (None, []))
    elif isinstance(condition, exp.In):
        column, values = condition.this, condition.expressions
    else:
        return None
    named = isinstance(column, exp.Column) and column.table == alias and column.name.lower() == key
    return frozenset(value.this for value in values) if named and values and all(value.is_string for value in values) else None


def _text(tree: exp.Expression, names: tuple[tuple[str, str], ...]) -> str:
    for node in list(tree.find_all(exp.Table)):
        if node.db:
            scan = exp.to_table(f"table_{names.index((node.db, node.name))}")
            scan.set("alias", node.args.get("alias"))
            node.replace(scan)
    return tree.sql("duckdb")
