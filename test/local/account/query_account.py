"""A stack with a work group of Amazon Athena and tables of dataset versions, and queries of them."""
from __future__ import annotations

import io
import time
from datetime import date, datetime, timezone
from typing import Any

import pyarrow
import pytest
from botocore.exceptions import ClientError
from pyarrow import parquet
from test_account_stacks import resource

from account import aws

STACK = "dataset-queries"
BUCKET = "dataset-queries"
LOCATION = f"s3://{BUCKET}/datasets/flights/query/"
COLUMNS = {"origin": "string", "flights": "bigint", "delay": "double", "late": "boolean", "day": "date", "at": "timestamp"}
ROWS = [
    {"origin": "JFK", "flights": 2**53 + 1, "delay": 0.1, "late": True, "day": date(2013, 2, 28), "at": datetime(2013, 6, 1, 12, tzinfo=timezone.utc)},
    {"origin": "two\nlines", "flights": -7, "delay": None, "late": None, "day": None, "at": None},
    {"origin": "it's, \"quoted\"", "flights": 3, "delay": 1.5e10, "late": False, "day": date(1970, 1, 1), "at": datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=timezone.utc)},
]  # fmt: skip
TYPES = pyarrow.schema(
    [("origin", pyarrow.string()), ("flights", pyarrow.int64()), ("delay", pyarrow.float64()), ("late", pyarrow.bool_()), ("day", pyarrow.date32()), ("at", pyarrow.timestamp("ms", "UTC"))]
)
LIMIT = 10_000_000
ROLE = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}
# What every bucket of the library asks for: a query comes over TLS, as in Athena.
TLS_ONLY = [
    {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"], "Condition": condition}
    for condition in ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}})
]


def table(name: str, dataset: str = "flights", **changed: Any) -> dict[str, Any]:
    location = LOCATION.replace("flights", dataset)
    storage = {
        "Location": location, "Columns": [{"Name": column, "Type": type} for column, type in COLUMNS.items()],
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }  # fmt: skip
    projected = {"classification": "parquet", "projection.enabled": "true", "projection.dataset_version.type": "injected",
                 "storage.location.template": location + "dataset_version=${dataset_version}/"}  # fmt: skip
    content = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": projected, "StorageDescriptor": storage,
               "PartitionKeys": [{"Name": "dataset_version", "Type": "string"}], **changed}  # fmt: skip
    return resource("AWS::Glue::Table", CatalogId="000000000000", DatabaseName={"Ref": "Database"}, TableInput=content)


def template() -> dict[str, Any]:
    results = {"OutputLocation": f"s3://{BUCKET}/results/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    limits = {"EnforceWorkGroupConfiguration": True, "BytesScannedCutoffPerQuery": LIMIT, "ResultConfiguration": results}
    return {"Resources": {
        "Bucket": resource("AWS::S3::Bucket", BucketName=BUCKET),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={"Version": "2012-10-17", "Statement": TLS_ONLY}),
        "Group": resource("AWS::Athena::WorkGroup", Name="air-dev", RecursiveDeleteOption=True, WorkGroupConfiguration=limits),
        "Database": resource("AWS::Glue::Database", CatalogId="000000000000", DatabaseInput={"Name": "air_dev"}),
        "Table": table("flights"),
        "Planes": table("planes", "planes"),
        "Enumerated": table("enumerated", Parameters={"projection.enabled": "true", "projection.dataset_version.type": "enum"}),
        "Analyst": resource("AWS::IAM::Role", RoleName="analyst", AssumeRolePolicyDocument=ROLE, Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": []}}]),
    }}  # fmt: skip


def put(version: str, rows: pyarrow.Table, dataset: str = "flights", **options: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(rows, file, compression="gzip", **options)
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"datasets/{dataset}/query/dataset_version={version}/records.parquet", Body=file.getvalue())
    return file.getvalue()


def settled(sql: str, athena: Any = None, **options: Any) -> dict[str, Any]:
    athena = athena or aws.client("athena")
    identity = athena.start_query_execution(QueryString=sql, WorkGroup="air-dev", QueryExecutionContext={"Database": "air_dev"}, **options)["QueryExecutionId"]
    deadline = time.time() + 120
    while (execution := athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"])["Status"]["State"] in ("QUEUED", "RUNNING"):
        assert time.time() < deadline
        time.sleep(0.1)
    return dict(execution)


def answer(sql: str, athena: Any = None) -> list[list[str | None]]:
    """What a query answers, the names of its columns first."""
    execution = settled(sql, athena)
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    rows = (athena or aws.client("athena")).get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["Rows"]
    return [[value.get("VarCharValue") for value in row["Data"]] for row in rows]


def refused(sql: str, athena: Any = None) -> str:
    execution = settled(sql, athena)
    assert execution["Status"]["State"] == "FAILED", execution["Status"]
    with pytest.raises(ClientError, match="has failed"):
        aws.client("athena").get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    return str(execution["Status"]["StateChangeReason"])
