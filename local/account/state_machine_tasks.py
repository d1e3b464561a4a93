"""Tasks of state machines that call SageMaker: the optimized integration, also with .sync, and the generic aws-sdk:sagemaker.

A task runs on its execution's own thread, so that waiting for a job blocks nobody. What AWS does:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html and
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html: a .sync task waits for the job, fails when it does not complete,
and stops it when the execution is stopped or the state's time is over. Times are epoch milliseconds here, as in SageMaker's events, and
ISO 8601 texts in aws-sdk tasks; no page of AWS states the format of either, so a definition should not calculate with them.
"""
from __future__ import annotations

import contextvars
import datetime
import json
import re
import time
from typing import Any, Callable

import ministack.services.stepfunctions as _stepfunctions

from .sagemaker import control_plane
from .sagemaker.jobs import job_actions
from .service_models import ApiError, service, times_as

_RESOURCE = re.compile(r"arn:[\w-]+:states:::(?P<sdk>aws-sdk:)?sagemaker:(?P<action>\w+)(?P<pattern>\.\w+)?")
OPTIMIZED = (
    "createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob", "createLabelingJob", "createModel", "createProcessingJob",
    "createTrainingJob", "createTransformJob", "updateEndpoint",
)  # fmt: skip
"""What AWS offers without aws-sdk (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html)."""
WAITING = {"createTrainingJob": "TrainingJob", "createProcessingJob": "ProcessingJob", "createTransformJob": "TransformJob"}
"""What .sync is there for in the local account."""
_NAMED_ERRORS = {"ResourceInUse": "ResourceInUseException", "ResourceNotFound": "ResourceNotFoundException", "ResourceLimitExceeded": "ResourceLimitExceededException"}
_execution: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("execution", default=None)


class Aborted(Exception):
    """The execution was stopped while its task ran: no Retry and no Catch of the state applies."""


def install() -> None:
    """Puts the integration before the emulator's own dispatch; an execution that was stopped stays so."""
    execute, invoke, limited = _stepfunctions._execute_task, _stepfunctions._invoke_resource, _stepfunctions._invoke_resource_with_timeout
    fail, add_event = _stepfunctions._fail_execution, _stepfunctions._add_event

    def execute_task(state_def: dict, raw_input: Any, execution: Any, ctx: dict) -> Any:
        token = _execution.set(execution)
        try:
            return execute(state_def, raw_input, execution, ctx)
        except Aborted:
            return raw_input, None
        finally:
            _execution.reset(token)

    def invoke_resource(resource: str, input_data: Any) -> Any:
        match = _RESOURCE.fullmatch(resource)
        return run(match, input_data, None) if match else invoke(resource, input_data)

    def invoke_limited(resource: str, input_data: Any, timeout: float) -> Any:
        match = _RESOURCE.fullmatch(resource)
        return run(match, input_data, timeout) if match else limited(resource, input_data, timeout)

    def fail_execution(execution: dict, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def event(execution: dict, event_type: str, details: Any = None) -> Any:
        stopped = execution.get("status") == "ABORTED" and event_type != "ExecutionAborted"
        return None if stopped else add_event(execution, event_type, details)

    _stepfunctions._execute_task, _stepfunctions._invoke_resource, _stepfunctions._invoke_resource_with_timeout = execute_task, invoke_resource, invoke_limited
    _stepfunctions._fail_execution, _stepfunctions._add_event = fail_execution, event


def run(task: re.Match[str], params: Any, timeout: float | None) -> Any:
    """One task. `timeout` counts real seconds. Raises the emulator's error for a state, or Aborted."""
    if _stopped():
        raise Aborted()
    action, pattern = task["action"], task["pattern"]
    if task["sdk"]:
        if pattern:
            raise _error("States.Runtime", f"'{pattern}' is not there for aws-sdk:sagemaker: use the optimized sagemaker:{action}{pattern}")
        return _called(action, params, _iso, "SageMakerException")
    if action not in OPTIMIZED or (pattern and pattern != ".sync"):
        raise _error("States.Runtime", f"sagemaker:{action}{pattern or ''} is no integration of AWS Step Functions; it has {', '.join(OPTIMIZED)}")
    if pattern is None:
        return _called(action, params, _milliseconds, "AmazonSageMakerException")
    if action not in WAITING:
        raise _error("States.Runtime", f"sagemaker:{action}.sync is not in the local account; it has {', '.join(WAITING)}")
    limit = time.monotonic() + timeout if timeout is not None else None
    _called(action, params, _milliseconds, "AmazonSageMakerException")
    return _awaited(WAITING[action], params, timeout, limit)


def _awaited(kind: str, params: dict[str, Any], timeout: float | None, limit: float | None) -> Any:
    name = params[f"{kind}Name"]
    settled = job_actions.find(kind, name).settled
    while not settled.wait(0.1):
        stopped = _stopped()
        if stopped or (limit is not None and time.monotonic() > limit):
            _stop(kind, name)
        if stopped:
            raise Aborted()
        if limit is not None and time.monotonic() > limit:
            raise _error("States.Timeout", f"Task timed out after {timeout} seconds")
    described = _called(f"describe{kind}", {f"{kind}Name": name}, _milliseconds, "AmazonSageMakerException")
    if described[f"{kind}Status"] != "Completed":
        raise _error("States.TaskFailed", json.dumps(described))
    return described


def _called(action: str, params: Any, render: Callable[[float], Any], other: str) -> Any:
    """The operation's output with its times as Step Functions writes them; its errors have the service's name before them."""
    name = action[0].upper() + action[1:]
    if name not in service("sagemaker").operation_names:
        raise _error("States.Runtime", f"SageMaker has no operation {name}")
    try:
        return times_as("sagemaker", name, control_plane.call(name, params), render)
    except ApiError as error:
        kind = _NAMED_ERRORS.get(error.code, other)
        raise _error(f"SageMaker.{kind}", f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})") from error


def _stop(kind: str, name: str) -> None:
    try:
        control_plane.call(f"Stop{kind}", {f"{kind}Name": name})
    except ApiError:  # it has just ended by itself
        return


def _stopped() -> bool:
    execution = _execution.get()
    return execution is not None and execution.get("status") not in (None, "RUNNING")


def _error(name: str, cause: str) -> Exception:
    return _stepfunctions._ExecutionError(name, cause)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
