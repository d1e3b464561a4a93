"""Metrics that AWS services publish about themselves and the emulator does not: SQS, SNS, EventBridge, Lambda, Step Functions."""
from __future__ import annotations

import collections
import logging
import threading
import time
from typing import Any

import ministack.services.eventbridge as _eventbridge
import ministack.services.lambda_svc as _lambda
import ministack.services.sns as _sns
import ministack.services.sqs as _sqs
import ministack.services.stepfunctions as _stepfunctions

from . import clock
from .metrics import publish

_log = logging.getLogger("account.metrics")
EXECUTIONS = {"RUNNING": "Started", "SUCCEEDED": "Succeeded", "FAILED": "Failed", "ABORTED": "Aborted"}
"""The emulator ends none as TIMED_OUT: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html."""
_sent: collections.Counter[str] = collections.Counter()


def install() -> None:
    """Counts deliveries and starts the timer that looks at queues once a platform minute."""
    _sqs._act_send_message = _counted_send(_sqs._act_send_message)
    _sns._deliver_to_sqs = _counted_delivery(_sns._deliver_to_sqs)
    _eventbridge._dispatch_to_sqs = _counted_dispatch(_eventbridge._dispatch_to_sqs)
    _eventbridge._invoke_target = _counted_target(_eventbridge._invoke_target)
    _lambda._emit_lambda_metrics = _throttles
    _lambda._execute_function_dispatch = _counted_invocation(_lambda._execute_function_dispatch)
    _stepfunctions._emit_execution_status_event = _counted_execution(_stepfunctions._emit_execution_status_event)
    threading.Thread(target=_run, daemon=True, name="account-queue-metrics").start()


def publish_queues(now: float) -> None:
    """One datapoint for each queue and metric."""
    for queue in list(_sqs._queues.values()):
        name, messages = queue["name"], list(queue["messages"])
        visible = [m for m in messages if m["visible_at"] <= now]
        hidden = [m for m in messages if m["visible_at"] > now]
        in_flight = [m for m in hidden if m["receive_count"] > 0]
        oldest = min((m.get("enqueued_at") or m["sent_at"] for m in visible + in_flight), default=None)
        age = 0.0 if oldest is None else clock.platform_seconds(now - oldest)
        values = {
            "ApproximateNumberOfMessagesVisible": (len(visible), "Count"),
            "ApproximateNumberOfMessagesNotVisible": (len(in_flight), "Count"),
            "ApproximateNumberOfMessagesDelayed": (len(hidden) - len(in_flight), "Count"),
            "ApproximateAgeOfOldestMessage": (age, "Seconds"),
            "NumberOfMessagesSent": (_sent.pop(name, 0), "Count"),
        }
        for metric, (value, unit) in values.items():
            publish("AWS/SQS", metric, value, unit, {"QueueName": name}, now)


def _run() -> None:
    while True:
        clock.sleep_to_middle(60)
        try:
            publish_queues(time.time())
        except Exception:
            _log.exception("queue metrics failed and go on")


def _counted_send(original: Any) -> Any:
    def send(data: dict, url: str) -> Any:
        answer = original(data, url)
        _sent[(data.get("QueueUrl") or url).rsplit("/", 1)[-1]] += 1
        return answer

    return send


def _counted_delivery(original: Any) -> Any:
    def deliver(endpoint: str, *args: Any, **named: Any) -> None:
        topic = {"TopicName": str(named.get("topic_arn") or "").rsplit(":", 1)[-1]}
        queue = _sqs._queue_by_arn(endpoint)
        allowed = queue is not None and _sqs.queue_policy_allows(
            endpoint, "sns.amazonaws.com", named.get("topic_arn") or "", str(named.get("topic_arn") or "::::").split(":")[4]
        )
        original(endpoint, *args, **named)
        if allowed:
            _sent[endpoint.rsplit(":", 1)[-1]] += 1
        publish("AWS/SNS", "NumberOfNotificationsDelivered" if allowed else "NumberOfNotificationsFailed", 1, "Count", topic)

    return deliver


def _counted_dispatch(original: Any) -> Any:
    def dispatch(spec: Any, *args: Any) -> Any:
        answer = original(spec, *args)
        _sent[str(spec.resource)] += 1
        return answer

    return dispatch


def _counted_target(original: Any) -> Any:
    def invoke(target: dict, event: dict, rule: dict, *rest: Any) -> Any:
        if "EventBusName" in rule:  # a rule; EventBridge Scheduler comes here too
            dimensions = {"RuleName": rule.get("Name", "")}
            missing = _target_missing(target.get("Arn", ""))
            publish("AWS/Events", "FailedInvocations" if missing else "Invocations", 1, "Count", dimensions)
        return original(target, event, rule, *rest)

    return invoke


def _throttles(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """In place of the emulator's, which sees only the Invoke API: not queues, streams, APIs and rules."""
    if throttle:
        publish("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})


def _counted_invocation(original: Any) -> Any:
    def execute(func: dict, config: dict, *args: Any) -> Any:
        started = time.time()
        answer = original(func, config, *args)
        dimensions = {"FunctionName": config.get("FunctionName", "unknown")}
        publish("AWS/Lambda", "Invocations", 1, "Count", dimensions)
        publish("AWS/Lambda", "Throttles", 0, "Count", dimensions)
        if (age := iterator_age(args[0], time.time())) is not None:
            publish("AWS/Lambda", "IteratorAge", age, "Milliseconds", dimensions)
        publish("AWS/Lambda", "Errors", int(bool(answer.get("error")) if isinstance(answer, dict) else 0), "Count", dimensions)
        publish("AWS/Lambda", "Duration", (time.time() - started) * 1000, "Milliseconds", dimensions)
        return answer

    return execute


def _counted_execution(original: Any) -> Any:
    def emit(execution: dict) -> None:
        original(execution)
        publish("AWS/States", f"Executions{EXECUTIONS[execution['status']]}", 1, "Count", {"StateMachineArn": execution["stateMachineArn"]})

    return emit


def iterator_age(event: Any, now: float) -> float | None:
    """How old the last record of a batch of Amazon Kinesis is when a function has processed it; None for other events.

    https://docs.aws.amazon.com/lambda/latest/dg/events-dynamodb-metrics.html. Real milliseconds: the time that records wait for functions of this
    machine, and the window in which they are gathered, are real too.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    last = records[-1].get("kinesis") if isinstance(records, list) and records and isinstance(records[-1], dict) else None
    return None if last is None else max(0.0, (now - float(last["approximateArrivalTimestamp"])) * 1000)


def _target_missing(arn: str) -> bool:
    """Whether a queue, topic or function that a rule names is not there."""
    if ":sqs:" in arn:
        return _sqs._queue_by_arn(arn) is None
    if ":sns:" in arn:
        return _sns._topic_by_arn_any_scope(arn) is None
    if ":lambda:" in arn:
        return _lambda._get_func_record_for_ref(arn)[0] is None
    return False
