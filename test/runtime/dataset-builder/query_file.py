"""Reads a Parquet file with Apache Arrow and prints its schema and its rows as JSON; every value as text, so that none is rounded."""

import json
import sys

import pyarrow.parquet as parquet

table = parquet.read_table(sys.argv[1])
rows = [[None if value is None else repr(value) if isinstance(value, float) else str(value) for value in row.values()] for row in table.to_pylist()]
print(json.dumps({"types": [str(field.type) for field in table.schema], "names": table.column_names, "rows": rows}))
