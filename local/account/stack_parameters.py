"""DescribeStacks shows a parameter that is read from Parameter Store as AWS CloudFormation does: its name as the value, and what it resolved to.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html (ResolvedValue). The emulator shows what it resolved to as the value.
"""
from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

import ministack.services.cloudformation as _cloudformation

_STACK = re.compile(r"(<StackId>([^<]*)</StackId>.*?<Parameters>)(.*?)(</Parameters>)", re.DOTALL)
_PARAMETER = re.compile(r"<ParameterKey>([^<]*)</ParameterKey><ParameterValue>([^<]*)</ParameterValue>")


def install() -> None:
    """Wraps the service's request handler."""
    original = _cloudformation.handle_request

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Any:
        answer = await original(method, path, headers, body, query_params)
        if b"Action=DescribeStacks&" not in body + b"&" or answer[0] != 200:
            return answer
        status, fields, content = answer
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        return status, fields, _STACK.sub(_with_names, text).encode("utf-8")

    _cloudformation.handle_request = handle


def _with_names(match: re.Match) -> str:
    start, stack_id, parameters, end = match.groups()
    known = next((stack.get("_resolved_params", {}) for stack in _cloudformation._stacks.values() if stack.get("StackId") == stack_id), {})

    def named(found: re.Match) -> str:
        key, value = found.groups()
        name = known.get(key, {}).get("SsmName") if isinstance(known.get(key), dict) else None
        if name is None:
            return found.group(0)
        return f"<ParameterKey>{key}</ParameterKey><ParameterValue>{escape(name)}</ParameterValue><ResolvedValue>{value}</ResolvedValue>"

    return start + _PARAMETER.sub(named, parameters) + end
