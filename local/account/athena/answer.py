"""What a query answers: its tables are read as its sender may, the engine runs it, and the results are kept where the work group says."""
from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

import ministack.services.athena as _athena
import ministack.services.glue as _glue
import pyarrow

from .. import aws
from . import dialect, engine, tables
from .errors import ScanLimitExceeded
from .permissions import Caller
from .plan import Plan, plan


def answered(execution: dict[str, Any], text: str, database: str, caller: Caller) -> engine.Answer:
    """Reads, runs and keeps. Raises QueryError and ScanLimitExceeded."""
    planned = plan(dialect.parsed(text), database, _table)
    output = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    caller.require_results(output.netloc, output.path.lstrip("/"))
    for place, name in planned.tables:
        caller.require_table(place, name)
        tables.check(f"{place}.{name}", _table(place, name) or {})
    answer = engine.run(planned.text, _read(planned, execution, caller))
    aws.client("s3").put_object(Bucket=output.netloc, Key=output.path.lstrip("/"), Body=_csv(answer).encode(), ContentType="application/octet-stream")
    return answer


def _csv(answer: engine.Answer) -> str:
    """All values in quotes, and nothing for null."""
    quoted = lambda value: "" if value is None else '"' + value.replace('"', '""') + '"'
    return "".join(",".join(map(quoted, row)) + "\n" for row in [answer.columns, *answer.rows])


def _table(database: str, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = _glue._tables.get(f"{database}/{name}")
    return found


def _read(planned: Plan, execution: dict[str, Any], caller: Caller) -> list[pyarrow.Table]:
    """The rows of each table; what Athena would scan of them is counted, and too much ends the query.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """
    read: dict[tuple[tuple[str, str], tuple[str, ...]], tables.Part] = {}
    scanned = 0
    for scan in planned.scans:
        for values in sorted(scan.partitions):
            place = (scan.table, values)
            if place not in read:
                read[place] = tables.read(_table(*scan.table) or {}, values, caller)
            scanned += sum(read[place].bytes[column] for column in scan.columns)
    execution["Statistics"]["DataScannedInBytes"] = scanned
    limit = _athena._workgroups[execution["WorkGroup"]].get("Configuration", {}).get("BytesScannedCutoffPerQuery")
    if limit is not None and scanned > limit:
        raise ScanLimitExceeded(f"Bytes scanned limit was exceeded: {scanned} bytes, and the work group allows {limit}")
    return [
        tables.together(_table(*name) or {}, [part for (table, _), part in read.items() if table == name]) for name in planned.tables
    ]
