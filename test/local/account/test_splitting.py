"""The year of flights through an intake that splits it and one that reads it whole: the same rows, the same ledger [D5]."""
from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, Iterator

import pytest

from account import aws

ROOT = Path(__file__).parents[3]
NAME = "splits"
ASSETS = "cdk-hnb659fds-assets-000000000000-us-east-1"
KEY = "flights/2013.csv"


def zipped(folder: Path) -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return into.getvalue()


def store_assets(out: Path) -> None:
    """What `cdk deploy` does with an assembly before its stack."""
    s3 = aws.client("s3")
    if ASSETS not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=ASSETS)
    for asset in json.loads((out / f"{NAME}.assets.json").read_text())["files"].values():
        path, packaging = out / asset["source"]["path"], asset["source"]["packaging"]
        for place in asset["destinations"].values():
            s3.put_object(Bucket=ASSETS, Key=place["objectKey"], Body=zipped(path) if packaging == "zip" else path.read_bytes())


@pytest.fixture(scope="module")
def outputs(account_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    out = tmp_path_factory.mktemp("assembly")
    program = ["node", "--import", "tsx", "test/local/account/programs/splitting-stack.ts", str(out), NAME]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    store_assets(out)
    client = aws.client("cloudformation")
    # Longer than a request may be.
    aws.client("s3").put_object(Bucket=ASSETS, Key=f"{NAME}.json", Body=(out / f"{NAME}.template.json").read_bytes())
    client.create_stack(StackName=NAME, TemplateURL=f"{account_url}/{ASSETS}/{NAME}.json", Capabilities=["CAPABILITY_IAM"])
    deadline = time.time() + 60
    while (stack := client.describe_stacks(StackName=NAME)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS") and time.time() < deadline:
        time.sleep(0.2)
    events = [e for e in client.describe_stack_events(StackName=NAME)["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert stack["StackStatus"] == "CREATE_COMPLETE", [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events]
    yield {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def planted() -> bytes:
    """The year with faults far from each other: keys of the first records again at the end, and a record that ends early."""
    lines = gzip.decompress((ROOT / "examples/flight-delays/data/flights.csv.gz").read_bytes()).splitlines(keepends=True)
    assert len(lines) == 336_777
    return b"".join([*lines[:200_000], b"2013,1\n", *lines[200_000:], *lines[1:4], lines[100_000], lines[-1].rstrip(b"\n")])


def final_row(ledger: str) -> dict[str, Any]:
    table = aws.client("dynamodb")
    deadline = time.time() + 240
    while time.time() < deadline:
        items = [item for item in table.scan(TableName=ledger)["Items"] if item["pk"]["S"].startswith("object#")]
        if items and items[0]["state"]["S"] in ("accounted", "rejected"):
            return items[0]
        time.sleep(0.5)
    raise AssertionError(f"the file is not final: {table.scan(TableName=ledger)['Items']}")


def read(bucket: str, output: dict[str, Any]) -> bytes:
    named = {name: next(iter(value.values())) for name, value in output["M"].items()}
    body = aws.client("s3").get_object(Bucket=bucket, Key=named["key"], VersionId=named["versionId"])["Body"].read()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (int(named["bytes"]), named["sha256"])
    return gzip.decompress(body)


def test_the_year_is_accounted_for_row_for_row_as_if_one_function_had_read_it(outputs: dict[str, str]) -> None:
    sent = planted()
    started = time.time()
    seconds = {}
    for which in ("Split", "Whole"):
        aws.client("s3").put_object(Bucket=outputs[f"{which}Raw"], Key=KEY, Body=sent)
    rows = {}
    for which in ("Whole", "Split"):
        rows[which] = final_row(outputs[f"{which}Ledger"])
        seconds[which] = round(time.time() - started, 1)
    split, whole = rows["Split"], rows["Whole"]
    for name in ("state", "key", "counts", "contentSha256", "contentBytes", "contract", "validator"):
        assert split[name] == whole[name], name
    assert split["contentSha256"]["S"] == hashlib.sha256(sent).hexdigest()
    outcomes = {which: {zone: read(outputs[f"{which}{zone}"], rows[which][name]) for zone, name in (("Validated", "validated"), ("Quarantine", "quarantine"))} for which in rows}
    assert outcomes["Split"] == outcomes["Whole"]
    refused = [json.loads(line) for line in outcomes["Split"]["Quarantine"].splitlines()]
    doubles = [(entry["record"], entry["reason"]) for entry in refused if entry["rule"] == "duplicate key"]
    firsts = (1, 2, 3, 100_000, 336_777)
    assert doubles == [(336_777 + i, f"record {first} has the same primary key") for i, first in enumerate(firsts, 1)]
    assert outcomes["Split"]["Validated"].count(b"\n") == 1 + int(split["validated"]["M"]["rows"]["N"])
    print(f"final after {seconds} seconds, {len(refused)} of {split['counts']['M']['read']['N']} records in quarantine")


def test_it_ran_as_an_execution_of_its_own_for_each_range(outputs: dict[str, str]) -> None:
    machines = aws.client("stepfunctions")
    (machine,) = [m["stateMachineArn"] for m in machines.list_state_machines()["stateMachines"] if m["name"] == f"{NAME}-split-splitting"]
    (execution,) = machines.list_executions(stateMachineArn=machine)["executions"]
    row = final_row(outputs["SplitLedger"])
    assert (execution["name"], execution["status"]) == (row["attempt"]["S"], "SUCCEEDED")
    ranges = -(-int(row["contentBytes"]["N"]) // 2**20)
    for run in machines.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]:
        counts = machines.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        assert (counts["total"], counts["succeeded"], counts["failed"]) == (ranges, ranges, 0)
    whole = [m for m in machines.list_state_machines()["stateMachines"] if m["name"] == f"{NAME}-whole-splitting"]
    assert machines.list_executions(stateMachineArn=whole[0]["stateMachineArn"])["executions"] == []
