"""Queries of dataset versions through the API of Amazon Athena: what they answer, scan, and refuse. [D7, L2]"""
from __future__ import annotations

import io
import json
import sqlite3
from typing import Any, Iterator

import boto3
import numpy
import pyarrow
import pytest
from botocore.exceptions import ClientError
from pyarrow import parquet
from query_account import BUCKET, COLUMNS, LIMIT, ROWS, STACK, TYPES, answer, put, refused, settled, template
from test_account_stacks import settle

from account import aws, readback


@pytest.fixture(scope="module")
def group(account_url: str) -> Iterator[dict[str, Any]]:
    """The work group of a deployed stack whose table has two versions."""
    client = aws.client("cloudformation")
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(template()))
    assert settle(STACK)["StackStatus"] == "CREATE_COMPLETE"
    put("aa", pyarrow.Table.from_pylist(ROWS, schema=TYPES))
    put("bb", pyarrow.Table.from_pylist(ROWS[:1], schema=TYPES))
    yield aws.client("athena").get_work_group(WorkGroup="air-dev")["WorkGroup"]
    client.delete_stack(StackName=STACK)


def test_a_version_answers_with_every_value_as_it_was_written(group: dict[str, Any]) -> None:
    assert answer("SELECT * FROM air_dev.flights WHERE dataset_version = 'aa' ORDER BY flights DESC") == [
        [*COLUMNS, "dataset_version"],
        ["JFK", "9007199254740993", "0.1", "true", "2013-02-28", "2013-06-01 12:00:00.000", "aa"],
        ["it's, \"quoted\"", "3", "1.5E10", "false", "1970-01-01", "1969-12-31 23:59:59.999", "aa"],
        ["two\nlines", "-7", None, None, None, None, "aa"],
    ]


def test_days_and_instants_are_compared_cut_and_taken_apart(group: dict[str, Any]) -> None:
    sql = """SELECT day, at, date_trunc('month', day), date_trunc('hour', at), year(day), extract(QUARTER FROM at), minute(at), CAST(at AS date), CAST(day AS varchar)
        FROM flights WHERE dataset_version = 'aa' AND day >= DATE '2013-02-28' AND TIMESTAMP '2013-01-01 00:00:00' < at AND at BETWEEN TIMESTAMP '2013-06-01 12:00:00' AND TIMESTAMP '2013-06-01 12:00:00.001'"""
    moments = ["2013-02-28", "2013-06-01 12:00:00.000", "2013-02-01", "2013-06-01 12:00:00.000"]
    assert answer(sql)[1:] == [[*moments, "2013", "2", "0", "2013-06-01", "2013-02-28"]]


def test_a_query_reads_the_versions_that_it_names_and_no_other(group: dict[str, Any]) -> None:
    count = "SELECT count(*) FROM flights WHERE dataset_version {}"
    asked = ["= 'aa'", "= 'bb'", "IN ('aa', 'bb')", "= 'aa' AND dataset_version IN ('bb', 'cc')", "= 'cc'", "= '../aa'"]
    assert [answer(count.format(condition))[1:] for condition in asked] == [[["3"]], [["1"]], [["4"]], [["0"]], [["0"]], [["0"]]]
    both = "SELECT dataset_version, count(*), sum(flights) FROM flights WHERE dataset_version IN ('bb', 'aa') GROUP BY 1 ORDER BY 1"
    assert answer(both) == [["dataset_version", "_col1", "_col2"], ["aa", "3", str(2**53 - 3)], ["bb", "1", str(2**53 + 1)]]
    joined = "SELECT a.flights - b.flights AS more FROM flights a LEFT JOIN flights b ON a.origin = b.origin AND b.dataset_version = 'bb' WHERE a.dataset_version = 'aa' ORDER BY 1"
    assert answer(joined) == [["more"], ["0"], [None], [None]]


def test_tables_of_one_version_stay_apart(group: dict[str, Any]) -> None:
    put("aa", pyarrow.Table.from_pylist([{**ROWS[0], "flights": 1}], schema=TYPES), dataset="planes")
    of = lambda name: f"SELECT count(*) FROM {name} WHERE dataset_version = 'aa'"
    assert answer(f"{of('planes')} UNION ALL {of('air_dev.flights')} ORDER BY 1")[1:] == [["1"], ["3"]]
    joined = "SELECT p.flights, f.flights FROM planes p JOIN flights f ON p.origin = f.origin WHERE p.dataset_version = 'aa' AND f.dataset_version = 'aa'"
    assert answer(joined)[1:] == [["1", str(2**53 + 1)]]


def test_division_of_whole_numbers_loses_no_digit(group: dict[str, Any]) -> None:
    assert answer("SELECT flights / 1 / 1, (flights - 1) / 1 % 10 / 1 FROM flights WHERE dataset_version = 'bb'")[1:] == [[str(2**53 + 1), "2"]]


@pytest.mark.parametrize("condition", [
    "", "WHERE origin = 'JFK'", "WHERE dataset_version LIKE 'a%'", "WHERE dataset_version = origin", "WHERE dataset_version = 'aa' OR flights = 1",
    "WHERE NOT dataset_version = 'aa'", "WHERE dataset_version <> 'aa'", "WHERE dataset_version IN (SELECT 'aa')",
    "f LEFT JOIN (SELECT 1 AS one) o ON f.dataset_version = 'aa'", "f FULL JOIN (SELECT 1 AS one) o ON f.dataset_version = 'aa'",
])  # fmt: skip
def test_a_query_that_names_no_version_is_refused(group: dict[str, Any], condition: str) -> None:
    assert "CONSTRAINT_VIOLATION: For the injected projected partition column dataset_version" in refused(f"SELECT count(*) FROM flights {condition}")


@pytest.mark.parametrize(("sql", "reason"), [
    ("SELECT * FROM nowhere", "TABLE_NOT_FOUND: Table 'awsdatacatalog.air_dev.nowhere' does not exist"),
    ("SELECT nope FROM flights WHERE dataset_version = 'aa'", "COLUMN_NOT_FOUND"),
    ("SELECT count(*) FROM enumerated WHERE dataset_version = 'aa'", "NOT_SUPPORTED: the local account does not run queries of air_dev.enumerated"),
    ("SELECT * FROM read_csv('/etc/passwd')", "NOT_SUPPORTED"),
    ("SELECT * FROM '/etc/passwd'", "TABLE_NOT_FOUND"),
    ("SELECT approx_distinct(origin) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED: the local account does not run ApproxDistinct"),
    ("SELECT greatest(flights, 1) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT no_such_function(flights) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT CAST(delay AS varchar) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT flights / 3.0 FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED: the local account does not run \"flights\".\"flights\" / CAST(3.0 AS DECIMAL(2, 1))"),
    ("SELECT avg(1.5)", "NOT_SUPPORTED: the local account does not run AVG(CAST(1.5 AS DECIMAL(2, 1))) of decimal"),
    ("SELECT CAST(flights AS decimal(5, 2)) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT day_of_week(day) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT extract(DOW FROM day) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT substr(origin, 0) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT trim(origin), max_by(origin, flights) FROM flights WHERE dataset_version = 'aa' GROUP BY 1", "NOT_SUPPORTED"),
    ("SELECT CAST(origin AS bigint) FROM flights WHERE dataset_version = 'aa'", "NOT_SUPPORTED"),
    ("SELECT count(*) FROM flights WHERE dataset_version = 'aa' AND day = '2013-02-28'", "TYPE_MISMATCH"),
    ("SELECT count(*) FROM flights WHERE dataset_version = 'aa' AND flights IN (3, '4')", "TYPE_MISMATCH"),
    ("SELECT count(*) FROM flights WHERE dataset_version = 'aa' AND late BETWEEN 0 AND 1", "TYPE_MISMATCH"),
    ("SELECT day + 1 FROM flights WHERE dataset_version = 'aa'", "TYPE_MISMATCH"),
    ("SELECT origin || flights FROM flights WHERE dataset_version = 'aa'", "TYPE_MISMATCH"),
    ("SELECT origin, flights FROM flights WHERE dataset_version = 'aa' GROUP BY origin", "Binder Error"),
    ("SELECT flights / (flights - 3) FROM flights WHERE dataset_version = 'aa'", "DIVISION_BY_ZERO"),
    ("SELECT sum(flights) FROM (SELECT 9223372036854775807 AS flights UNION ALL SELECT 1)", "NUMERIC_VALUE_OUT_OF_RANGE"),
])  # fmt: skip
def test_what_the_account_cannot_answer_is_an_error(group: dict[str, Any], sql: str, reason: str) -> None:
    assert refused(sql).startswith(reason)


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT 1; SELECT 2", "SELECT FROM WHERE", " ", "CREATE TABLE t AS SELECT 1", "INSERT INTO flights SELECT 1", "DROP TABLE flights", "SHOW TABLES"])
def test_text_that_is_no_query_is_not_taken(group: dict[str, Any], sql: str) -> None:
    with pytest.raises(ClientError) as error:
        settled(sql)
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"


def test_no_query_is_taken_for_a_work_group_that_does_not_exist(group: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="WorkGroup is not found"):
        aws.client("athena").start_query_execution(QueryString="SELECT 1", WorkGroup="nobody")


def test_an_object_of_another_type_or_of_no_parquet_is_bad_data(group: dict[str, Any]) -> None:
    put("wrong", pyarrow.table({"flights": pyarrow.array([1.5])}))
    assert "HIVE_BAD_DATA: Field flights's type double" in refused("SELECT sum(flights) FROM flights WHERE dataset_version = 'wrong'")
    aws.client("s3").put_object(Bucket=BUCKET, Key="datasets/flights/query/dataset_version=cut/records.parquet", Body=b"PAR1 and no more")
    assert "HIVE_BAD_DATA: Malformed Parquet file" in refused("SELECT count(*) FROM flights WHERE dataset_version = 'cut'")
    put("few", pyarrow.table({"FLIGHTS": pyarrow.array([1])}))
    assert answer("SELECT flights, origin FROM flights WHERE dataset_version = 'few'")[1:] == [["1", None]]


def test_its_resources_are_read_back_from_their_own_services(group: dict[str, Any]) -> None:
    report = readback.run([STACK])
    assert [report["read"], report["missing"], report["typesWithoutReader"]] == [len(template()["Resources"]), [], []]


def test_results_lie_where_the_work_group_says_whatever_the_client_asks(group: dict[str, Any]) -> None:
    elsewhere = {"OutputLocation": f"s3://{BUCKET}/elsewhere/"}
    execution = settled("SELECT flights FROM flights WHERE dataset_version = 'bb'", ResultConfiguration=elsewhere)
    place = f"results/{execution['QueryExecutionId']}.csv"
    assert execution["ResultConfiguration"]["OutputLocation"] == f"s3://{BUCKET}/{place}"
    assert aws.client("s3").get_object(Bucket=BUCKET, Key=place)["Body"].read().decode() == f'"flights"\n"{2**53 + 1}"\n'
    assert aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="elsewhere/")["KeyCount"] == 0


def test_a_query_scans_the_columns_that_it_uses_and_is_cancelled_above_the_limit(group: dict[str, Any]) -> None:
    noise = numpy.random.default_rng(7)
    rows = 700_000
    data = put("big", pyarrow.table({"flights": noise.integers(0, 2**62, rows), "delay": noise.random(rows), "origin": pyarrow.array(["JFK"] * rows)}), use_dictionary=["origin"])
    metadata = parquet.ParquetFile(io.BytesIO(data)).metadata
    sizes = {metadata.row_group(0).column(i).path_in_schema: sum(metadata.row_group(g).column(i).total_compressed_size for g in range(metadata.num_row_groups)) for i in range(3)}
    assert max(sizes.values()) < LIMIT < sizes["flights"] + sizes["delay"]
    scanned = lambda sql: settled(sql + " FROM flights WHERE dataset_version = 'big'")
    counted, summed, grouped = (scanned(sql) for sql in ("SELECT count(*)", "SELECT sum(delay)", "SELECT max(origin), max(delay)"))
    assert [found["Statistics"]["DataScannedInBytes"] for found in (counted, summed, grouped)] == [0, sizes["delay"], sizes["delay"] + sizes["origin"]]
    none = settled("SELECT sum(delay) FROM flights WHERE dataset_version = 'big' AND dataset_version = 'cc'")
    assert none["Statistics"]["DataScannedInBytes"] == 0
    unused = settled("WITH f AS (SELECT * FROM flights WHERE dataset_version = 'big') SELECT count(origin) FROM f")
    assert unused["Statistics"]["DataScannedInBytes"] == sizes["origin"]
    twice = settled("SELECT count(a.origin) FROM flights a, (SELECT max(delay) AS most FROM flights WHERE dataset_version = 'big') b WHERE a.dataset_version = 'big' AND a.delay = b.most")
    assert [twice["Status"]["State"], twice["Statistics"]["DataScannedInBytes"]] == ["CANCELLED", 2 * sizes["delay"] + sizes["origin"]]
    over = scanned("SELECT sum(delay), max(flights)")
    assert over["Status"]["State"] == "CANCELLED" and "Bytes scanned limit was exceeded" in over["Status"]["StateChangeReason"]
    with pytest.raises(ClientError, match="CANCELLED"):
        aws.client("athena").get_query_results(QueryExecutionId=over["QueryExecutionId"])


QUERIES = [
    "SELECT origin, count(*), count(delay), sum(flights), min(flights), max(delay), avg(delay) FROM {} GROUP BY origin ORDER BY origin",
    "SELECT flights / 7, flights % 7, -flights / 7, flights * 2 - 1, delay / 3, (flights - 7) / 5 / 3, -(flights / 4) % 5 FROM {} ORDER BY flights, delay NULLS LAST LIMIT 40",
    "SELECT origin, flights FROM (SELECT origin, flights, row_number() OVER (PARTITION BY origin ORDER BY flights DESC) AS place FROM {}) ranked WHERE place <= 2 ORDER BY origin, flights",
    "SELECT delay * 1.5, delay / 2.5, 1.5 FROM {} WHERE delay > 2.25 ORDER BY delay, origin",
    "SELECT count(DISTINCT origin), sum(CASE WHEN delay > 0 THEN 1 ELSE 0 END), count(CASE WHEN delay IS NULL THEN 1 END) FROM {}",
    "SELECT lower(origin) || '-' || substr(origin, 1, 2), length(origin), coalesce(delay, -1e0) FROM {} WHERE origin LIKE '%F%' AND NOT flights BETWEEN 0 AND 50 ORDER BY flights, origin, delay NULLS LAST",
    "SELECT origin, 'many' AS kind FROM {} GROUP BY origin HAVING count(*) > 50 UNION ALL SELECT origin, 'few' FROM {} GROUP BY origin HAVING count(*) <= 50 ORDER BY 1, 2",
    "SELECT count(*) FROM {} a WHERE EXISTS (SELECT 1 FROM {} b WHERE b.origin = a.origin AND b.flights > a.flights) AND a.delay IS NOT NULL",
    "SELECT a.origin, count(*) FROM {} a JOIN (SELECT origin, avg(flights) AS usual FROM {} GROUP BY origin HAVING count(*) > 3) b ON a.origin = b.origin WHERE a.flights > b.usual GROUP BY a.origin ORDER BY 1",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_answers_are_those_of_another_engine(group: dict[str, Any], sql: str) -> None:
    noise = numpy.random.default_rng(len(sql))
    rows = [(noise.choice(["JFK", "LGA", "EWR", "é F"]), int(noise.integers(-99, 99)), None if noise.random() < 0.2 else float(noise.integers(-40, 40)) / 4) for _ in range(200)]
    put("random", pyarrow.Table.from_pylist([dict(zip(COLUMNS, row)) for row in rows], schema=pyarrow.schema(list(TYPES)[:3])))
    peer = sqlite3.connect(":memory:")
    peer.execute("CREATE TABLE flights (origin TEXT, flights INTEGER, delay REAL)")
    peer.executemany("INSERT INTO flights VALUES (?, ?, ?)", [(str(row[0]), *row[1:]) for row in rows])
    expected = [[None if value is None else str(value) for value in row] for row in peer.execute(sql.format(*["flights"] * 2))]
    assert len(expected) > 0
    assert answer(sql.format(*["(SELECT * FROM flights WHERE dataset_version = 'random')"] * 2).replace(") GROUP", ") AS f GROUP"))[1:] == expected


def analyst(*statements: dict[str, Any]) -> Any:
    """A client of somebody with these permissions."""
    aws.client("iam").put_role_policy(RoleName="analyst", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    found = aws.client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/analyst", RoleSessionName="test")["Credentials"]
    keys = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"], "aws_session_token": found["SessionToken"]}
    return boto3.client("athena", endpoint_url=aws.account_url(), region_name=aws.region(), **keys)


def allow(actions: list[str], *resources: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **condition}


GLUE = "arn:aws:glue:us-east-1:000000000000:"
GRANTS = [
    allow(["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"], "arn:aws:athena:us-east-1:000000000000:workgroup/air-dev"),
    allow(["glue:GetTable"], GLUE + "catalog", GLUE + "database/air_dev", GLUE + "table/air_dev/flights"),
    allow(["s3:ListBucket"], f"arn:aws:s3:::{BUCKET}", Condition={"StringLike": {"s3:prefix": "datasets/flights/query/*"}}),
    allow(["s3:GetObject"], f"arn:aws:s3:::{BUCKET}/datasets/flights/query/*"),
    allow(["s3:PutObject"], f"arn:aws:s3:::{BUCKET}/results/*"),
]
ONE = "SELECT count(*) FROM flights WHERE dataset_version = 'aa'"


def test_a_query_does_what_its_sender_may_do(group: dict[str, Any]) -> None:
    assert answer(ONE, analyst(*GRANTS))[1:] == [["3"]]
    reasons = ["glue:GetTable", "s3:ListBucket", "s3:GetObject", "s3:PutObject"]
    for index, reason in enumerate(reasons, start=1):
        assert reason in refused(ONE, analyst(*GRANTS[:index], *GRANTS[index + 1 :])), reason
    with pytest.raises(ClientError, match="not authorized to perform: athena:StartQueryExecution") as error:
        settled(ONE, analyst(*GRANTS[1:]))
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
