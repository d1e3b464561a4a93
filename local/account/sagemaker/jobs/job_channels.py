"""What a job reads from and writes to Amazon S3: prefixes become files below a folder and the other way round."""
from __future__ import annotations

import os
import re
import tarfile
from pathlib import Path

from ... import aws
from ..instance import CannotStart


def location(uri: str) -> tuple[str, str]:
    """Bucket and key or prefix of an s3:// address. Raises CannotStart."""
    match = re.fullmatch(r"s3://([^/]+)/?(.*)", uri)
    if match is None:
        raise CannotStart(f"ClientError: '{uri}' is not the address of an Amazon S3 object or prefix")
    return match.group(1), match.group(2)


def download(uri: str, folder: Path) -> int:
    """Fetches every object whose key starts with the prefix, and returns how many. Raises CannotStart when there is none."""
    found = download_all(uri, folder)
    if found == 0:
        raise CannotStart(f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source')
    return found


def download_all(uri: str, folder: Path) -> int:
    """As `download`, but nothing there is no error."""
    bucket, prefix = location(uri)
    folder.mkdir(parents=True, exist_ok=True)
    found = keys(bucket, prefix)
    for key in found:
        target = (folder / relative(key, prefix)).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise CannotStart(f"ClientError: the object s3://{bucket}/{key} would be written outside its channel")
        target.parent.mkdir(parents=True, exist_ok=True)
        aws.client("s3").download_file(bucket, key, str(target))
    return len(found)


def relative(key: str, prefix: str) -> str:
    """Where an object lies below its channel. A prefix is no folder: `train` also finds `train-old/a.csv`, and keeps the names apart."""
    if key.startswith(prefix.rstrip("/") + "/"):
        return key[len(prefix.rstrip("/")) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def upload(folder: Path, uri: str, files: list[str] | None = None) -> None:
    """Writes the folder's files, or those named, below the prefix under the same names."""
    bucket, prefix = location(uri)
    for name in relative_files(folder) if files is None else files:
        aws.client("s3").upload_file(str(folder / name), bucket, "/".join(part for part in (prefix.rstrip("/"), name) if part))


def relative_files(folder: Path) -> list[str]:
    """Names of all files below a folder, sorted; links are left out."""
    found = []
    for parent, _, names in os.walk(folder):
        paths = (Path(parent, name) for name in names)
        found += [path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def upload_archive(folder: Path, uri: str) -> None:
    """Packs a folder as SageMaker packs /opt/ml/model, members at the top, and uploads it."""
    bucket, key = location(uri)
    archive = folder.parent / f"{folder.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in relative_files(folder):
            tar.add(folder / name, name)
    aws.client("s3").upload_file(str(archive), bucket, key)
    archive.unlink()


def keys(bucket: str, prefix: str) -> list[str]:
    """Keys of all objects that start with the prefix; folders are none. Raises CannotStart."""
    try:
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
    except Exception as error:
        raise CannotStart(f"ClientError: Data download failed: s3://{bucket}/{prefix}: {error}") from error
