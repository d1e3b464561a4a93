"""The work group and a table of dataset versions are stored as their template says. [D7, L2]"""
from __future__ import annotations

import json
from typing import Any, Iterator

import pytest
from test_account_stacks import resource, settle

from account import aws

STACK = "dataset-queries"
LOCATION = "s3://dataset-queries/datasets/flights/query/"
COLUMNS = {"origin": "string", "flights": "bigint", "delay": "double", "late": "boolean", "day": "date", "at": "timestamp"}


def template() -> dict[str, Any]:
    storage = {
        "Location": LOCATION, "Columns": [{"Name": name, "Type": type} for name, type in COLUMNS.items()],
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }  # fmt: skip
    projected = {"classification": "parquet", "projection.enabled": "true", "projection.dataset_version.type": "injected",
                 "storage.location.template": LOCATION + "dataset_version=${dataset_version}/"}  # fmt: skip
    table = {"Name": "flights", "TableType": "EXTERNAL_TABLE", "Parameters": projected, "StorageDescriptor": storage,
             "PartitionKeys": [{"Name": "dataset_version", "Type": "string"}]}  # fmt: skip
    results = {"OutputLocation": "s3://dataset-queries/results/", "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    limits = {"EnforceWorkGroupConfiguration": True, "BytesScannedCutoffPerQuery": 10_000_000, "ResultConfiguration": results}
    return {"Resources": {
        "Bucket": resource("AWS::S3::Bucket", BucketName="dataset-queries"),
        "Group": resource("AWS::Athena::WorkGroup", Name="air-dev", RecursiveDeleteOption=True, WorkGroupConfiguration=limits),
        "Database": resource("AWS::Glue::Database", CatalogId="000000000000", DatabaseInput={"Name": "air_dev"}),
        "Table": resource("AWS::Glue::Table", CatalogId="000000000000", DatabaseName={"Ref": "Database"}, TableInput=table),
    }}  # fmt: skip


@pytest.fixture(scope="module")
def deployed(account_url: str) -> Iterator[None]:
    client = aws.client("cloudformation")
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(template()))
    assert settle(STACK)["StackStatus"] == "CREATE_COMPLETE"
    yield
    client.delete_stack(StackName=STACK)


def test_a_work_group_has_its_limits_and_where_results_lie(deployed: None) -> None:
    found = aws.client("athena").get_work_group(WorkGroup="air-dev")["WorkGroup"]["Configuration"]
    assert [found["EnforceWorkGroupConfiguration"], found["BytesScannedCutoffPerQuery"]] == [True, 10_000_000]
    assert found["ResultConfiguration"]["OutputLocation"] == "s3://dataset-queries/results/"


def test_a_table_has_its_columns_and_the_place_of_a_version_as_the_template_spells_it(deployed: None) -> None:
    assert aws.client("glue").get_database(Name="air_dev")["Database"]["Name"] == "air_dev"
    table = aws.client("glue").get_table(DatabaseName="air_dev", Name="flights")["Table"]
    assert {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]} == COLUMNS
    assert table["PartitionKeys"] == [{"Name": "dataset_version", "Type": "string"}]
    assert table["Parameters"]["storage.location.template"] == LOCATION + "dataset_version=${dataset_version}/"
