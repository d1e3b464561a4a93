"""What the emulator's Athena does differently: its work group is a text, and its engine answers where Athena refuses."""
from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from typing import Any
from urllib.parse import urlparse

import ministack.core.sigv4 as _sigv4
import ministack.services.athena as _athena
import ministack.services.glue as _glue
import pyarrow

from .. import aws
from . import dialect, engine, tables
from .errors import Malformed, QueryError, ScanLimitExceeded
from .permissions import Caller
from .plan import Plan, plan

_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("who sent the request")
_GUARDED = ("StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults", "GetWorkGroup")


def install() -> None:
    """Queries are taken, and run, by this module; the other operations stay the emulator's."""
    _athena.handle_request = _guarded(_athena.handle_request)
    _athena._start_query_execution = _started(_athena._start_query_execution)
    _athena._execute_query = _execute


def _guarded(original: Any) -> Any:
    """What `DatasetQueries.grantQuery` allows is asked for; other operations are not checked."""

    async def handle(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        signature = _sigv4.parse_header_signature(headers)
        caller = Caller("" if isinstance(signature, tuple) else signature.access_key_id)
        action = headers.get("x-amz-target", "").split(".")[-1]
        refusal = caller.refusal(f"athena:{action}", _athena._arn_workgroup(_group_of(body))) if action in _GUARDED else None
        if refusal is not None:
            return _athena.error_response_json("AccessDeniedException", f"You are not authorized to perform: athena:{action} on the resource. {refusal}", 400)
        token = _caller.set(caller)
        try:
            return await original(method, path, headers, body, query_params)
        finally:
            _caller.reset(token)

    return handle


def _group_of(body: bytes) -> str:
    """The work group that a request names, or that of the query that it names."""
    try:
        data = json.loads(body or b"{}")
    except json.JSONDecodeError:
        return "primary"
    execution = _athena._executions.get(data.get("QueryExecutionId"))
    return execution["WorkGroup"] if execution else data.get("WorkGroup", "primary")


def _started(original: Any) -> Any:
    def start(data: dict[str, Any]) -> Any:
        group = _athena._workgroups.get(data.get("WorkGroup", "primary"))
        if group is None or group.get("State", "ENABLED") != "ENABLED":
            return _refused("WorkGroup is not found." if group is None else "WorkGroup is disabled.")
        try:
            dialect.parsed(data.get("QueryString", ""))
        except Malformed as error:
            return _refused(str(error), {"AthenaErrorCode": "MALFORMED_QUERY"})
        settings = group.get("Configuration", {})
        # https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
        if settings.get("EnforceWorkGroupConfiguration", False) and settings.get("ResultConfiguration"):
            data = {**data, "ResultConfiguration": settings["ResultConfiguration"]}
        return original(data)

    return start


def _refused(message: str, extra: dict[str, str] | None = None) -> Any:
    return _athena.error_response_json("InvalidRequestException", message, 400, extra=extra)


async def _execute(query_id: str, text: str, database: str, ddl: Any, catalog: str | None = None) -> None:
    execution = _athena._executions[query_id]
    execution["Status"]["State"] = "RUNNING"
    started = time.time()
    try:
        if (catalog or "AwsDataCatalog").lower() != "awsdatacatalog":
            raise QueryError(f"CATALOG_NOT_FOUND: the local account has no data catalogue '{catalog}'")
        answer = await asyncio.to_thread(_answer, execution, text, database.lower(), _caller.get())
        if execution["Status"]["State"] == "RUNNING":  # nobody stopped it meanwhile
            execution["_results"], execution["_column_types"] = {"columns": answer.columns, "rows": answer.rows}, answer.types
            _settle(execution, "SUCCEEDED")
    except ScanLimitExceeded as error:
        _settle(execution, "CANCELLED", str(error))
    except QueryError as error:
        _settle(execution, "FAILED", str(error))
    except Exception as error:
        logging.getLogger("athena").exception("query %s", query_id)
        _settle(execution, "FAILED", f"GENERIC_INTERNAL_ERROR: {error}")
    spent = int((time.time() - started) * 1000)
    execution["Statistics"].update(EngineExecutionTimeInMillis=spent, TotalExecutionTimeInMillis=spent)


def _settle(execution: dict[str, Any], state: str, reason: str = "") -> None:
    status = execution["Status"]
    if status["State"] == "RUNNING":
        status.update(State=state, StateChangeReason=reason, CompletionDateTime=int(time.time()))


def _answer(execution: dict[str, Any], text: str, database: str, caller: Caller) -> engine.Answer:
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
