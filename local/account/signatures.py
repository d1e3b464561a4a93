"""Signature Version 4 on REST methods with IAM authorization: a wrong signature is refused with 403.

The emulator verifies signatures only with its account-wide AUTH switch, which would also enforce IAM where it is not
complete. Here only the front door is checked: the signature of every caller, and for roles and users also whether
their policies allow execute-api:Invoke.
"""
from __future__ import annotations

from typing import Any, Mapping

import ministack.app as _app
import ministack.core.iam_evaluator as _iam
import ministack.core.sigv4 as _sigv4
import ministack.services.apigateway_v1 as _api
from ministack.core.arn import execute_api_arn
from ministack.core.responses import get_account_id, get_region

_NO_TOKEN = ("MissingAuthenticationToken", "Missing Authentication Token")


def refusal(
    host: str, path: str, raw_path: str, method: str, headers: Mapping[str, Any], body: bytes, query_params: Mapping[str, Any]
) -> Any:
    """The 403 answer to a request that an IAM method must not serve; None when it may pass (or is no IAM method)."""
    parsed = _app._parse_execute_api_url(host, path)
    if parsed is None or _api.find_api_scope(parsed[0]) is None:
        return None
    api_id, stage, execute_path = parsed
    if _api.method_authorization_type(api_id, stage, method, execute_path) != "AWS_IAM":
        return None
    problem = _signature_problem(raw_path, method, headers, body, query_params)
    if problem is None:
        problem = _policy_problem(api_id, stage, method, execute_path, headers)
    if problem is None:
        return None
    return _api.authentication_error_response(api_id, stage, _iam.AuthError(*problem), headers, query_params)


def _signature_problem(
    raw_path: str, method: str, headers: Mapping[str, Any], body: bytes, query_params: Mapping[str, Any]
) -> tuple[str, str] | None:
    if not str(headers.get("authorization", "")).startswith("AWS4-HMAC-SHA256"):
        return _NO_TOKEN
    signature = _sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        return signature
    skewed = _sigv4.request_time_failure(signature)
    if skewed:
        return skewed
    credential = _iam.resolve_credential(signature.access_key_id, get_account_id(), headers.get("x-amz-security-token", ""))
    if isinstance(credential, _iam.CredentialResolutionError):
        return credential.code, credential.message
    return _sigv4.header_signature_failure(signature, credential.secret_access_key, method, raw_path, query_params, headers, body)


def _policy_problem(api_id: str, stage: str, method: str, execute_path: str, headers: Mapping[str, Any]) -> tuple[str, str] | None:
    access_key = _sigv4.parse_header_signature(headers).access_key_id
    arn = execute_api_arn(get_region(), get_account_id(), api_id, stage, method, execute_path)
    denied = _iam.enforce(access_key, "execute-api:Invoke", "apigateway", get_region(), resource_arn=arn)
    if denied is None:
        return None
    who = getattr(denied, "principal_arn", "") or access_key
    return "AccessDenied", f"User: {who} is not authorized to perform: execute-api:Invoke on resource: {arn}"
