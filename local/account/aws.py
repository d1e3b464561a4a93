"""Clients to the account itself. Only for worker threads and timers: on the event loop they would deadlock."""
from __future__ import annotations

import functools
import os
from typing import Any

ACCOUNT_ID = "000000000000"


def region() -> str:
    """The region of the account."""
    return os.environ.get("AWS_REGION") or "us-east-1"


def account_url() -> str:
    """The address of the account's one gateway."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


@functools.lru_cache(maxsize=None)
def client(service: str) -> Any:
    """A boto3 client that talks to this account."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=account_url(),
        region_name=region(),
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30, inject_host_prefix=False),
    )
