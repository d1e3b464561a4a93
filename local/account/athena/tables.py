"""The rows of a table: Parquet objects below the location of a partition, in the account's own S3."""
from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Iterator
from urllib.parse import urlparse

import pyarrow
from pyarrow import parquet

from .. import aws
from .errors import QueryError, not_here
from .permissions import Caller
from .plan import keys_of

# Of the columns that DatasetQueries declares: the type for the engine, and whether a file's type is read as it.
_TYPES = {
    "string": (pyarrow.string(), pyarrow.types.is_string),
    "bigint": (pyarrow.int64(), pyarrow.types.is_int64),
    "double": (pyarrow.float64(), pyarrow.types.is_float64),
    "boolean": (pyarrow.bool_(), pyarrow.types.is_boolean),
    "date": (pyarrow.date32(), pyarrow.types.is_date32),
    "timestamp": (pyarrow.timestamp("us"), pyarrow.types.is_timestamp),
}


@dataclass(frozen=True)
class Part:
    """The objects of one partition."""

    rows: pyarrow.Table
    bytes: dict[str, int]
    """Compressed bytes of each column, which is what Athena scans of a column that a query uses."""


def check(name: str, table: dict[str, Any]) -> None:
    """Raises for a table that is none of those that DatasetQueries makes."""
    parameters, storage = table.get("Parameters") or {}, table["StorageDescriptor"]
    if "ParquetHiveSerDe" not in (storage.get("SerdeInfo") or {}).get("SerializationLibrary", ""):
        raise not_here(f"queries of {name}, which is not stored as Parquet")
    for key in keys_of(table):
        if parameters.get("projection.enabled") != "true" or parameters.get(f"projection.{key}.type") != "injected":
            raise not_here(f"queries of {name}: its partition key {key} is not projected from the query")
    for column in [*storage["Columns"], *(table.get("PartitionKeys") or [])]:
        if column["Type"] not in _TYPES:
            raise not_here(f"queries of {name}: its column {column['Name']} is of type {column['Type']}")


def read(table: dict[str, Any], values: tuple[str, ...], caller: Caller) -> Part:
    """All columns of a partition; one without objects has no rows."""
    location = _location(table, values)
    parts = [_rows(table, place, data) for place, data in _objects(location, caller)]
    rows = pyarrow.concat_tables([_schema(table["StorageDescriptor"]["Columns"]).empty_table(), *(part.rows for part in parts)])
    sizes = {name: sum(part.bytes.get(name, 0) for part in parts) for name in rows.column_names}
    for key, value in zip(keys_of(table), values):
        rows = rows.append_column(key, pyarrow.repeat(pyarrow.scalar(value, pyarrow.string()), rows.num_rows))
    return Part(rows, sizes)


def together(table: dict[str, Any], parts: list[Part]) -> pyarrow.Table:
    """The rows of several partitions, or of none."""
    columns = [*table["StorageDescriptor"]["Columns"], *(table.get("PartitionKeys") or [])]
    return pyarrow.concat_tables([_schema(columns).empty_table(), *(part.rows for part in parts)])


def _schema(columns: list[dict[str, Any]]) -> pyarrow.Schema:
    return pyarrow.schema([(column["Name"].lower(), _TYPES[column["Type"]][0]) for column in columns])


def _location(table: dict[str, Any], values: tuple[str, ...]) -> str:
    location = (table.get("Parameters") or {}).get("storage.location.template") or table["StorageDescriptor"]["Location"]
    for key, value in zip(keys_of(table), values):
        location = location.replace(f"${{{key}}}", value)
    return location if location.endswith("/") else f"{location}/"


def _objects(location: str, caller: Caller) -> Iterator[tuple[str, bytes]]:
    """All objects, whatever their names say, but hidden ones (https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html)."""
    bucket, prefix = urlparse(location).netloc, urlparse(location).path.lstrip("/")
    caller.require_list(bucket, prefix)
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            key = found["Key"]
            if found["Size"] == 0 or any(name.startswith(("_", ".")) for name in key[len(prefix) :].split("/")):
                continue
            caller.require_read(bucket, key)
            yield f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _rows(table: dict[str, Any], place: str, data: bytes) -> Part:
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        rows = file.read()
    except pyarrow.ArrowException as error:
        raise QueryError(f"HIVE_BAD_DATA: Malformed Parquet file {place}: {error}") from error
    names = {name.lower(): name for name in rows.column_names}
    columns = {}
    for column in table["StorageDescriptor"]["Columns"]:
        type, readable = _TYPES[column["Type"]]
        name = column["Name"].lower()
        if name not in names:
            columns[name] = pyarrow.nulls(rows.num_rows, type)
            continue
        found = rows[names[name]]
        if not readable(found.type):
            raise QueryError(f"HIVE_BAD_DATA: Field {name}'s type {found.type} in parquet file {place} is incompatible with type {column['Type']} defined in table schema")
        columns[name] = found.cast(type)
    return Part(pyarrow.table(columns), _sizes(file.metadata))


def _sizes(metadata: Any) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            name = column.path_in_schema.lower()
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return sizes
