"""REST APIs: request validators and models of templates take effect, and each request publishes its metrics."""
from __future__ import annotations

import json
import time
from typing import Any

import ministack.app as _app
import ministack.services.apigateway_v1 as _api

from . import cfn, signatures
from .metrics import publish


def install() -> None:
    """Wraps methods, validators, stages and the data plane."""
    cfn.extend("AWS::ApiGateway::Method", create=_method_create, update=_method_update)
    cfn.extend("AWS::ApiGateway::RequestValidator", create=_validator_create, update=_validator_update, delete=_validator_delete)
    cfn.extend("AWS::ApiGateway::Stage", create=_stage_create, update=_stage_update)
    _app._handle_execute_api_request = _measured(_app._handle_execute_api_request)


def _method(props: dict) -> dict[str, Any] | None:
    resource = _api._resources.get(props.get("RestApiId", ""), {}).get(props.get("ResourceId", ""))
    return (resource or {}).get("resourceMethods", {}).get(props.get("HttpMethod", "ANY"))


def _validate_method(props: dict) -> None:
    method = _method(props)
    if method is None:
        raise ValueError(f"Invalid Resource identifier specified: {props.get('ResourceId')}")
    method["requestValidatorId"] = props.get("RequestValidatorId")
    parameters = props.get("RequestParameters") or {}
    method["requestParameters"] = {name: str(required).lower() == "true" for name, required in parameters.items()}


def _method_create(original: cfn.Create) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        created = original(logical_id, props, stack)
        _validate_method(props)
        return created

    return create


def _method_update(original: Any) -> Any:
    def update(physical_id: str, old: dict, new: dict, *rest: Any) -> cfn.Created:
        updated = original(physical_id, old, new, *rest)
        _validate_method(new)
        return updated

    return update


def _validator_create(original: cfn.Create) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        status, _, body = _api._create_request_validator(
            props.get("RestApiId", ""),
            {
                "name": props.get("Name") or logical_id,
                "validateRequestBody": _truth(props.get("ValidateRequestBody")),
                "validateRequestParameters": _truth(props.get("ValidateRequestParameters")),
            },
        )
        answer = json.loads(body)
        if status >= 400:
            raise ValueError(answer.get("message", "request validator refused"))
        return answer["id"], {"RequestValidatorId": answer["id"]}

    return create


def _validator_update(original: Any) -> Any:
    def update(physical_id: str, old: dict, new: dict, stack: str, *rest: Any) -> cfn.Created:
        if any(old.get(key) != new.get(key) for key in ("RestApiId", "Name")):
            return _validator_create(original)(rest[0] if rest else physical_id, new, stack)
        record = _api._request_validators[new["RestApiId"]][physical_id]
        record["validateRequestBody"] = _truth(new.get("ValidateRequestBody"))
        record["validateRequestParameters"] = _truth(new.get("ValidateRequestParameters"))
        return physical_id, {"RequestValidatorId": physical_id}

    return update


def _validator_delete(original: cfn.Delete) -> cfn.Delete:
    def delete(physical_id: str, props: dict) -> None:
        (_api._request_validators.get(props.get("RestApiId", "")) or {}).pop(physical_id, None)

    return delete


def _stage_create(original: cfn.Create) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        created = original(logical_id, props, stack)
        _access_logs(props)
        return created

    return create


def _stage_update(original: Any) -> Any:
    def update(physical_id: str, old: dict, new: dict, *rest: Any) -> cfn.Created:
        updated = original(physical_id, old, new, *rest)
        _access_logs(new)
        return updated

    return update


def _access_logs(props: dict) -> None:
    """Kept for GetStage; the emulator writes no access logs."""
    stage = (_api._stages_v1.get(props.get("RestApiId", "")) or {}).get(props.get("StageName", ""))
    setting = props.get("AccessLogSetting")
    if stage is not None and setting:
        stage["accessLogSettings"] = {"destinationArn": setting.get("DestinationArn"), "format": setting.get("Format")}


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"


def _measured(original: Any) -> Any:
    async def handle(host: str, path: str, method: str, headers: dict, body: bytes, query_params: dict, *rest: Any, **named: Any) -> Any:
        started = time.time()
        raw_path = named.get("raw_path") or (rest[0] if rest else None) or path
        refused = signatures.refusal(host, path, raw_path, method, headers, body, query_params)
        answer = refused or await original(host, path, method, headers, body, query_params, *rest, **named)
        if answer is not None:
            _count(host, path, answer[0], time.time() - started)
        return answer

    return handle


def _count(host: str, path: str, status: int, seconds: float) -> None:
    parsed = _app._parse_execute_api_url(host, path)
    api = _api._rest_apis.get(parsed[0]) if parsed else None
    if not api:
        return
    values = {"Count": (1, "Count"), "4XXError": (int(400 <= status < 500), "Count"), "5XXError": (int(status >= 500), "Count")}
    values["Latency"] = (seconds * 1000, "Milliseconds")
    for dimensions in ({"ApiName": api["name"], "Stage": parsed[1]}, {"ApiName": api["name"]}):
        for name, (value, unit) in values.items():
            publish("AWS/ApiGateway", name, value, unit, dimensions)
