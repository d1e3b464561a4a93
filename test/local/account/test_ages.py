"""What is stored gets older at once, because the real clock cannot be moved [L2]."""
from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from datetime import timedelta

import pytest

from account import ages, aws

DAY = 86_400


def age(url: str, body: object, method: str = "POST") -> tuple[int, dict]:
    request = urllib.request.Request(f"{url}{ages.PATH}", json.dumps(body).encode(), method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_versions_current_objects_and_tables_are_as_much_older_as_is_said(account_url: str) -> None:
    name = f"ages-{uuid.uuid4().hex[:8]}"
    s3, dynamodb = aws.client("s3"), aws.client("dynamodb")
    for bucket in (name, f"{name}-plain"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    s3.put_object(Bucket=name, Key="a", Body=b"2")
    s3.put_object(Bucket=f"{name}-plain", Key="a", Body=b"3")
    keys = {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **keys)

    def moments() -> list:
        versions = s3.list_object_versions(Bucket=name)["Versions"]
        heads = [s3.head_object(Bucket=bucket, Key="a")["LastModified"] for bucket in (name, f"{name}-plain")]
        return [version["LastModified"] for version in versions] + heads + [dynamodb.describe_table(TableName=name)["Table"]["CreationDateTime"]]

    before = moments()
    status, told = age(account_url, {"seconds": DAY})
    assert status == 200 and told["objects"] >= 3 and told["tables"] >= 1
    assert [then - now for then, now in zip(before, moments())] == [timedelta(days=1)] * 5
    assert s3.get_object(Bucket=name, Key="a")["Body"].read() == b"2"


@pytest.mark.parametrize("body", [{}, {"seconds": 0}, {"seconds": -1}, {"seconds": 1.5}, {"seconds": True}, {"seconds": "60"}, [60], {"seconds": 367 * DAY}])
def test_another_age_is_refused_and_what_is_taken_is_said(account_url: str, body: object) -> None:
    status, told = age(account_url, body)
    assert status == 400 and "a whole number from 1 to" in told["Message"]


def test_only_a_post_makes_older(account_url: str) -> None:
    assert age(account_url, {"seconds": 60}, "PUT")[0] == 405
