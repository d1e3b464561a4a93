"""What a container finds in /opt/ml/model: an archive that is unpacked, or the files below a prefix as they are.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
"""
from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Any, Mapping

from .. import aws
from ..service_models import ApiError


class CannotStart(Exception):
    """Why an endpoint fails; the text becomes its FailureReason."""


def refuse(container: Mapping[str, Any]) -> None:
    """Raises ApiError for a source that AWS refuses."""
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise ApiError("ValidationException", "ModelDataUrl and ModelDataSource exclude each other.")
    source = _source(container)
    if source.get("S3DataType") == "S3Prefix" and not source["S3Uri"].endswith("/"):
        raise ApiError("ValidationException", f"The S3Uri of an S3Prefix must end with a forward slash (/), got {source['S3Uri']}.")
    if source and (source["S3DataType"], source["CompressionType"]) == ("S3Prefix", "Gzip"):
        raise ApiError("ValidationException", "An S3Prefix has files that are not compressed: CompressionType must be None.")


def address(container: Mapping[str, Any]) -> str:
    """Where the model lies in Amazon S3; empty when the container downloads it itself."""
    return container.get("ModelDataUrl") or _source(container).get("S3Uri", "")


def fetch(container: Mapping[str, Any], target: Path) -> None:
    """Fills the folder with the model. Raises CannotStart."""
    source = _source(container)
    if not address(container):
        raise CannotStart("only models with a ModelDataUrl or a ModelDataSource are served in the local account")
    if not source or source["CompressionType"] == "Gzip":
        unpack(address(container), target)
    elif source["S3DataType"] == "S3Object":
        bucket, key = _location(source["S3Uri"])
        _download(bucket, key, target / key.rpartition("/")[2])
    else:
        _fetch_prefix(source["S3Uri"], target)


def unpack(url: str, target: Path, what: str = "model data") -> None:
    """Downloads and unpacks an archive without letting a member out of the folder. Raises CannotStart."""
    bucket, key = _location(url)
    archive = target.parent / "model.tar.gz"
    _download(bucket, key, archive, what)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar.getmembers():
                inside = (target / member.name).resolve().is_relative_to(target.resolve())
                if not inside or not (member.isfile() or member.isdir()):
                    raise CannotStart(f"the archive {url} has the member '{member.name}', which leaves the {target.name} folder or is a link")
                tar.extract(member, target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    except tarfile.TarError as error:
        raise CannotStart(f"{url} is not a gzip-compressed tar archive: {error}") from error
    finally:
        archive.unlink(missing_ok=True)


def _fetch_prefix(uri: str, target: Path) -> None:
    """Every object below the prefix becomes a file under what follows the prefix. Names that AWS says not to use fail here, also the empty ones of
    the "folders" that its console makes."""
    bucket, prefix = _location(uri)
    try:
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [item["Key"] for page in pages for item in page.get("Contents", [])]
    except Exception as error:
        raise CannotStart(f"could not access model data at {uri}: {error}") from error
    if not found:
        raise CannotStart(f"could not find model data at {uri}")
    for key in found:
        parts = key[len(prefix) :].split("/")
        if any(part.strip() in ("", ".", "..") for part in parts):
            raise CannotStart(f"the object s3://{bucket}/{key} below the prefix of the model has an empty part, '.' or '..' in its name")
        file = target.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        _download(bucket, key, file)


def _source(container: Mapping[str, Any]) -> dict[str, Any]:
    return container.get("ModelDataSource", {}).get("S3DataSource", {})


def _location(url: str) -> tuple[str, str]:
    match = re.fullmatch(r"(?:s3://([^/]+)/|https://s3[.-][^/]+/([^/]+)/)(.+)", url)
    if match is None:
        raise CannotStart(f"'{url}' is not the address of an Amazon S3 object")
    return match.group(1) or match.group(2), match.group(3)


def _download(bucket: str, key: str, file: Path, what: str = "model data") -> None:
    try:
        aws.client("s3").download_file(bucket, key, str(file))
    except Exception as error:
        raise CannotStart(f"could not access {what} at s3://{bucket}/{key}: {error}") from error
