"""Which image a tag of a registry of AWS names [M1]."""
from __future__ import annotations

import re

import boto3
import pytest

REPOSITORY = "sagemaker-scikit-learn"


def asked(account_url: str, registry: str, *ids: dict[str, str]) -> dict:
    client = boto3.client("ecr", endpoint_url=account_url, region_name="us-east-1", aws_access_key_id="000000000000", aws_secret_access_key="local")
    return client.batch_get_image(registryId=registry, repositoryName=REPOSITORY, imageIds=list(ids))


def digest(account_url: str, registry: str, tag: str) -> str:
    (image,) = asked(account_url, registry, {"imageTag": tag})["images"]
    assert (image["registryId"], image["repositoryName"], image["imageId"]["imageTag"]) == (registry, REPOSITORY, tag)
    return image["imageId"]["imageDigest"]


def test_a_tag_names_one_image_for_as_long_as_the_account_runs(account_url: str) -> None:
    first = digest(account_url, "683313688378", "1.4-2-cpu-py3")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", first)
    assert digest(account_url, "683313688378", "1.4-2-cpu-py3") == first


def test_another_tag_and_another_registry_name_other_images(account_url: str) -> None:
    digests = {digest(account_url, registry, tag) for registry in ("683313688378", "492215442770") for tag in ("1.4-2-cpu-py3", "1.9-0-cpu-py3")}
    assert len(digests) == 4


def test_a_digest_that_is_asked_for_alone_is_not_known(account_url: str) -> None:
    answer = asked(account_url, "683313688378", {"imageDigest": "sha256:" + "0" * 64})
    assert ([failure["failureCode"] for failure in answer["failures"]], answer["images"]) == (["ImageNotFound"], [])


def test_the_account_s_own_registry_stays_the_emulator_s(account_url: str) -> None:
    with pytest.raises(Exception, match="RepositoryNotFoundException"):
        asked(account_url, "000000000000", {"imageTag": "1"})
