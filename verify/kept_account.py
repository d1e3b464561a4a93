"""The local account that `npm start -- --keep` left behind, and what the run printed about it."""
from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, TypeVar

KEY, SECRET, REGION = "000000000000", "local", "us-east-1"
START = "run `npm start -- --keep` first"

# A developer's own profile must neither be used nor be in the way, and no proxy stands before this machine's loopback.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")

import boto3  # noqa: E402 - it reads the environment when it is imported
from boto3.dynamodb.types import TypeDeserializer  # noqa: E402
from botocore.config import Config  # noqa: E402

T = TypeVar("T")
R = TypeVar("R")


class Unusable(Exception):
    """Why there is nothing to verify."""


class KeptAccount:
    """A running account: its report, its stack outputs and clients of its services."""

    def __init__(self, state: Path) -> None:
        self.state = state
        account = _read(state / "account.json", f"NoAccount: no account is kept in {state}: {START}")
        pid, self.url = account.get("pid"), account.get("url")
        if pid is None or self.url is None or not runs(pid):
            raise Unusable(f"NoAccount: the account that {state / 'account.json'} names (process {pid}) does not run: {START}")
        self.factor = float(account["clockFactor"])
        self.report = _read(state / "report.json", f"NoReport: {state} has an account but no report.json: the run did not end well; {START}")
        if self.report.get("url") != self.url:
            raise Unusable(f"StaleReport: report.json is about {self.report.get('url')}, but the account is {self.url}: {START}")
        self.outputs: dict[str, str] = self.report["outputs"]
        self._session = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client that talks to this account and to nothing else."""
        if service not in self._clients:
            config = Config(retries={"max_attempts": 2}, read_timeout=60, max_pool_connections=16, s3={"addressing_style": "path"})
            self._clients[service] = self._session.client(service, endpoint_url=self.url, config=config)
        return self._clients[service]

    def pages(self, service: str, operation: str, field: str, **arguments: Any) -> Iterator[Any]:
        """Every item of a list that comes in pages."""
        for page in self.client(service).get_paginator(operation).paginate(**arguments):
            yield from page.get(field) or []

    def table(self, name: str) -> list[dict[str, Any]]:
        """All items of a table, read consistently; whole numbers as int."""
        return [plain_item(item) for item in self.pages("dynamodb", "scan", "Items", TableName=name, ConsistentRead=True)]

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """Key and version id of every object version of a bucket; delete markers are none."""
        return [(item["Key"], item["VersionId"]) for item in self.pages("s3", "list_object_versions", "Versions", Bucket=bucket)]

    def bytes_of(self, bucket: str, key: str, version: str) -> bytes:
        """The bytes of one object version."""
        return self.client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()

    def environment_with(self, variable: str) -> dict[str, dict[str, str]]:
        """Environments, by function name, of the deployed functions that have this variable."""
        functions = self.pages("lambda", "list_functions", "Functions")
        found = {function["FunctionName"]: function.get("Environment", {}).get("Variables", {}) for function in functions}
        return {name: variables for name, variables in found.items() if variable in variables}

    def variable(self, name: str) -> str:
        """The one value that the deployed functions have for a variable."""
        values = {variables[name] for variables in self.environment_with(name).values()}
        if len(values) != 1:
            raise LookupError(f"the deployed functions have {len(values)} values for {name}, not one")
        return values.pop()


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results in the order of the items."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(function, items))


def plain_item(item: dict[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as JSON would have it."""
    read = TypeDeserializer()
    return {name: _plain(read.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if type(value).__name__ == "Decimal":
        return int(value) if value == int(value) else float(value)
    return value


def runs(pid: int) -> bool:
    """Whether a process of this number lives; a zombie does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True


def _read(path: Path, missing: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unusable(missing) from None
    except json.JSONDecodeError as error:
        raise Unusable(f"Unreadable: {path} is not JSON ({error}): {START}") from None
