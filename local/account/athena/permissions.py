"""What the caller of a query may do, by its policies: in Athena a query reads and writes as who sent it.

https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html and
https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
"""
from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any

import ministack.core.iam_evaluator as _iam
from ministack.core.responses import get_account_id, get_region

from .errors import QueryError

_OVER_TLS = ("127.0.0.1", True)


@dataclass(frozen=True)
class Caller:
    """Who sent a request, by its access key. The account's own key may do everything."""

    access_key: str

    def refusal(self, action: str, resource: str, context: dict[str, Any] | None = None) -> str | None:
        """Why an action is not allowed; None when it is."""
        return contextvars.copy_context().run(self._refusal, action, resource, context or {})

    def _refusal(self, action: str, resource: str, context: dict[str, Any]) -> str | None:
        """Athena calls over TLS, which bucket policies may ask for, whatever the request of the account itself came by."""
        _iam.pin_request_origin(*_OVER_TLS)
        service = action.split(":")[0]
        denied = _iam.enforce(self.access_key, action, service, get_region(), resource_arn=resource, service_context={**context, "s3:TlsVersion": "1.3"})
        if denied is None:
            return None
        if isinstance(denied, _iam.AuthError):
            return denied.message
        return f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource}"

    def require_table(self, database: str, table: str) -> None:
        """The catalogue, the database and the table."""
        for resource in ("catalog", f"database/{database}", f"table/{database}/{table}"):
            problem = self.refusal("glue:GetTable", f"arn:aws:glue:{get_region()}:{get_account_id()}:{resource}")
            if problem is not None:
                raise QueryError(f"Insufficient permissions to execute the query. {problem}")

    def require_list(self, bucket: str, prefix: str) -> None:
        """The names of the objects of a partition."""
        self._require("s3:ListBucket", f"arn:aws:s3:::{bucket}", f"s3://{bucket}/{prefix}", {"s3:prefix": prefix})

    def require_read(self, bucket: str, key: str) -> None:
        """An object of a table."""
        self._require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", f"s3://{bucket}/{key}")

    def require_results(self, bucket: str, key: str) -> None:
        """The object of the results."""
        problem = self.refusal("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        if problem is not None:
            raise QueryError(f"Access denied when writing output to url: s3://{bucket}/{key} . {problem}")

    def _require(self, action: str, resource: str, path: str, context: dict[str, Any] | None = None) -> None:
        problem = self.refusal(action, resource, context)
        if problem is not None:
            raise QueryError(f"PERMISSION_DENIED: Permission denied on S3 path: {path} . {problem}")
