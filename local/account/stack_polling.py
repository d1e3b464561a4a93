"""DescribeStacks of a stack in progress answers when the stack settles, or after a few seconds.

The CDK CLI looks at once and then only every five seconds, which here is longer than most deployments take.
"""
from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

import ministack.services.cloudformation as _cloudformation

LONGEST_WAIT = 4.0
_STEP = 0.05


def install() -> None:
    """Wraps the service's request handler."""
    original = _cloudformation.handle_request

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Any:
        await _settled(body)
        return await original(method, path, headers, body, query_params)

    _cloudformation.handle_request = handle


async def _settled(body: bytes) -> None:
    if b"Action=DescribeStacks&" not in body + b"&":
        return
    name = (parse_qs(body.decode("utf-8", errors="replace")).get("StackName") or [""])[0]
    deadline = time.monotonic() + LONGEST_WAIT
    while name and _in_progress(name) and time.monotonic() < deadline:
        await asyncio.sleep(_STEP)


def _in_progress(name: str) -> bool:
    found = [stack for stack in _cloudformation._stacks.values() if name in (stack.get("StackName"), stack.get("StackId"))]
    return any(stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS" for stack in found)
