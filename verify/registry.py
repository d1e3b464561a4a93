"""What is registered, what was released when, and the artefacts behind it, from the registry, the release table and the artefact bucket."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from kept_account import KeptAccount
from model import Model

NONE = "none"
RESOLUTION = 1.0
"""Seconds: moments of answers are told by the second."""


@dataclass(frozen=True)
class Version:
    """A registered version as the registry describes it."""

    described: dict[str, Any]
    account: KeptAccount

    @property
    def arn(self) -> str:
        return self.described["ModelPackageArn"]

    @property
    def address(self) -> str:
        """Where its artefact lies."""
        return self.described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]

    @property
    def card(self) -> dict[str, Any]:
        return json.loads(self.described["ModelCard"]["ModelCardContent"])

    @property
    def job(self) -> str:
        """The training job that made it, by its card."""
        return self.card["training_details"]["training_job_details"]["training_arn"].rpartition("/")[2]

    @property
    def says(self) -> dict[str, str]:
        """Its lineage."""
        return self.described.get("CustomerMetadataProperties") or {}

    @cached_property
    def model(self) -> Model:
        return Model.packed(fetched(self.account, self.address))


@dataclass(frozen=True)
class Release:
    """One release. `start` and `end` in epoch seconds."""

    row: dict[str, Any]

    @property
    def start(self) -> float:
        return epoch(self.row["startedAt"])

    @property
    def end(self) -> float:
        return epoch(self.row["changedAt"])

    @property
    def after(self) -> str:
        """What serves after it."""
        return self.row["to" if self.row["state"] == "released" else "from"]


class Registry:
    """Versions of a model in their order, and its releases in theirs."""

    def __init__(self, account: KeptAccount, group: str, table: str, model: str) -> None:
        client = account.client("sagemaker")
        found = [item["ModelPackageArn"] for item in account.pages("sagemaker", "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group)]
        described = [client.describe_model_package(ModelPackageName=arn) for arn in found]
        self.versions = [Version(item, account) for item in sorted(described, key=lambda item: item["ModelPackageVersion"])]
        self.rows = [row for row in account.table(table) if row["model"] == model]
        own = [row for row in self.rows if row["entry"].startswith("release#")]
        self.releases = [Release(row) for row in sorted(own, key=lambda row: (row["startedAt"], row["entry"]))]

    def by_arn(self, arn: str | None) -> Version | None:
        return next((version for version in self.versions if version.arn == arn), None)

    def by_job(self, job: str | None) -> Version | None:
        """The version that answers bear the name of."""
        return next((version for version in self.versions if version.job == job), None)

    def served(self, at: float, until: float | None = None, within: float = RESOLUTION) -> set[str]:
        """The versions that may have answered from a moment to another, or `none`: while a release is under way that is the old or the new one."""
        until = at if until is None else until
        found = {NONE}
        for release in self.releases:
            if release.start > until + within:
                break
            if release.end < at - within:
                found = {release.after}
            else:
                found |= {release.row["from"], release.row["to"]}
        return found


def fetched(account: KeptAccount, address: str) -> bytes:
    """The bytes at an S3 address, as they are now. Raises LookupError for what is no address."""
    match = re.fullmatch(r"s3://([^/]+)/(.+)", address)
    if match is None:
        raise LookupError(f"{address} is no address in S3")
    return account.client("s3").get_object(Bucket=match[1], Key=match[2])["Body"].read()


def epoch(text: str) -> float:
    """A moment in epoch seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
