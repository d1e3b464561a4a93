"""The registries in which AWS publishes images: an account of AWS answers which image a tag names, as it answers whoever may pull.

The digest is made of registry, repository and tag: stable, and another one for each of them. No image is behind it; what runs in its place is a
process of this account. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
"""
from __future__ import annotations

import hashlib
import json
from typing import Any

import ministack.services.ecr as _ecr

from . import aws

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def install() -> None:
    """Answers for registries of other accounts; the account's own registry is the emulator's."""
    own = _ecr._batch_get_image

    def batch_get_image(data: dict[str, Any]) -> Any:
        registry = data.get("registryId", aws.ACCOUNT_ID)
        return own(data) if registry == aws.ACCOUNT_ID else _ecr.json_response(published(registry, data["repositoryName"], data["imageIds"]))

    _ecr._batch_get_image = batch_get_image


def published(registry: str, repository: str, ids: list[dict[str, str]]) -> dict[str, Any]:
    """One image for each tag; an image that is asked for by digest alone is not known."""
    images = [_image(registry, repository, one["imageTag"]) for one in ids if "imageTag" in one]
    failures = [{"imageId": one, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"} for one in ids if "imageTag" not in one]
    return {"images": images, "failures": failures}


def _image(registry: str, repository: str, tag: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{registry}/{repository}:{tag}".encode()).hexdigest()
    return {
        "registryId": registry, "repositoryName": repository, "imageId": {"imageDigest": f"sha256:{digest}", "imageTag": tag},
        "imageManifest": json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST}), "imageManifestMediaType": _MANIFEST,
    }  # fmt: skip
