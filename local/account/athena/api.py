"""What the emulator leaves out of Amazon Athena: settings of a work group hold, callers need their permissions, and what is no query is refused."""
from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from typing import Any

import ministack.core.sigv4 as _sigv4
import ministack.services.athena as _athena

from .errors import Malformed, QueryError, ScanLimitExceeded
from .permissions import Caller

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
        from . import dialect  # the parser and the engine are loaded by the first query, not by each start of an account

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
        from .answer import answered

        if (catalog or "AwsDataCatalog").lower() != "awsdatacatalog":
            raise QueryError(f"CATALOG_NOT_FOUND: the local account has no data catalogue '{catalog}'")
        answer = await asyncio.to_thread(answered, execution, text, database.lower(), _caller.get())
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
