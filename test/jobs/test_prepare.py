"""A dataset version becomes training, validation and test data as its manifest says, or the job says why not. [R1] [D3] [D7]"""
from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from job_programs import BUCKET, ROOT, Dataset, divided, load

HEADER = "year,month,day,value"
MONTHS = {"train": ["2013,1,1,a", "2013,1,31,b"], "validation": ["2013,2,1,c", "2013,2,28,d"], "test": ["2013,3,1,e", "2013,3,31,f"]}
ROWS = [row for rows in MONTHS.values() for row in rows]
SPLIT = divided((2, 2, 2))


@pytest.fixture(scope="module")
def program() -> ModuleType:
    return load(ROOT / "jobs" / "prepare.py")


@pytest.fixture
def dataset() -> Dataset:
    return Dataset()


def read(folder: Path, split: str) -> list[str]:
    return gzip.decompress((folder / split / "records.csv.gz").read_bytes()).decode().splitlines()


def values(folder: Path) -> dict[str, str]:
    return {split: "".join(line.rsplit(",", 1)[1] for line in read(folder, split)[1:]) for split in MONTHS}


def test_records_go_where_the_split_of_the_manifest_says(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, *ROWS[::2]])
    dataset.csv([HEADER, "2012,11,5,z", *ROWS[1::2]])
    split = divided((3, 2, 2), days=("2012-11-05", "2013-02-01", "2013-03-01", "2013-04-01"))
    result = program.prepare(dataset.store, dataset.options(tmp_path, split))
    assert values(tmp_path) == {"train": "azb", "validation": "cd", "test": "ef"}
    assert all(read(tmp_path, name)[0] == HEADER for name in MONTHS)
    assert result == json.loads((tmp_path / "summary.json").read_text())
    assert result["months"] == {"train": ["2012-11", "2013-01"], "validation": ["2013-02"], "test": ["2013-03"]}
    assert result["rows"] == {"train": 3, "validation": 2, "test": 2, "gap": 0, "open": 0} and result["openMonth"] is None
    assert (result["firstEvent"]["train"], result["lastEvent"]["train"], result["datasetId"]) == ("2012-11-05", "2013-01-31", "d" * 64)


def test_records_behind_the_test_and_in_the_gaps_are_left_out_and_counted(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, *ROWS, "2013,4,1,x"])
    split = divided((1, 1, 2), gap=2, open=1)
    split["train"]["until"], split["validation"]["until"] = "2013-01-31", "2013-02-28"
    result = program.prepare(dataset.store, dataset.options(tmp_path, split))
    assert values(tmp_path) == {"train": "a", "validation": "c", "test": "ef"}
    assert result["rows"] == {"train": 1, "validation": 1, "test": 2, "gap": 2, "open": 1} and result["openMonth"] == "2013-04"
    assert (result["firstEvent"]["gap"], result["lastEvent"]["gap"]) == ("2013-01-31", "2013-02-28")


def test_the_same_manifest_gives_the_same_bytes(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, *ROWS])
    for name in ("first", "second"):
        program.prepare(dataset.store, dataset.options(tmp_path / name, SPLIT))
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert [str(file) for file in files] == ["summary.json", "test/records.csv.gz", "train/records.csv.gz", "validation/records.csv.gz"]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert (tmp_path / "first" / "test" / "records.csv.gz").read_bytes()[4:8] == bytes(4), "no time in the gzip header"


def test_superseded_records_are_left_out_wherever_the_manifest_names_them(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, "2013,1,2,x", "2013,1,2,y", *ROWS, "2013,1,3,z"], superseded=3, excluded=[[1, 2], [9, 9]])
    runs = dataset.store.put("datasets/flights/excluded/c.jsonl.gz", gzip.compress(b"[2,2]\n[4,5]\n"))
    dataset.csv([HEADER, "2013,1,4,g", "2013,1,4,x", "2013,1,4,h", "2013,1,4,y", "2013,1,4,z"], superseded=3, excludedIn=runs)
    program.prepare(dataset.store, dataset.options(tmp_path, divided((4, 2, 2))))
    assert values(tmp_path) == {"train": "abgh", "validation": "cd", "test": "ef"}


def test_json_lines_keep_their_digits_and_have_sorted_columns(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.jsonl(['{"when":"2013-01-01","b":1.50,"a":true}', '{"a":null,"when":"2013-02-28T23:59:59Z","b":12345678901234567890}', '{"when":"2013-03-31","c":"x,\\"y"}'])
    program.prepare(dataset.store, dataset.options(tmp_path, divided((1, 1, 1), eventTime=["when"])))
    assert read(tmp_path, "train") == ["a,b,c,when", "true,1.50,,2013-01-01"]
    assert read(tmp_path, "validation")[1] == ",12345678901234567890,,2013-02-28T23:59:59Z"
    assert read(tmp_path, "test")[1] == ',,"x,""y",2013-03-31'


def test_what_others_take_for_the_end_of_a_line_ends_no_record(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    texts = "a\u2028b\u2029c\u0085d"
    dataset.jsonl([f'{{"when":"2013-01-0{day}",\r"b"\r\r:"{texts}"}}' for day in (1, 2)])
    program.prepare(dataset.store, dataset.options(tmp_path / "json", divided((2, 0, 0), eventTime=["when"])))
    records = gzip.decompress((tmp_path / "json" / "train" / "records.csv.gz").read_bytes()).decode()
    assert records == f"b,when\n{texts},2013-01-01\n{texts},2013-01-02\n"


def test_quoted_fields_of_csv_keep_their_carriage_returns(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, *ROWS[:5], '2013,3,31,"x\ry\r\nz"'])
    program.prepare(dataset.store, dataset.options(tmp_path, SPLIT))
    records = gzip.decompress((tmp_path / "test" / "records.csv.gz").read_bytes()).decode()
    assert records.endswith('\n2013,3,31,"x\ry\r\nz"\n')


def test_quoted_fields_with_newlines_and_long_ones_pass_unchanged(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER, *ROWS[:5], f'2013,3,31,"{"x" * 200_000}\ny"'])
    dataset.objects[0]["rows"] = 6
    program.prepare(dataset.store, dataset.options(tmp_path, SPLIT))
    assert read(tmp_path, "test")[2:] == [f'2013,3,31,"{"x" * 200_000}', 'y"']


@pytest.mark.parametrize(
    "text, day",
    [
        ("2013-03-31T23:30:00-01:00", "2013-04-01"),
        ("2013-04-01T00:30:00+0100", "2013-03-31"),
        ("2013-03-31 12:00:00.123456789", "2013-03-31"),
        ("2013-03-31T23:59:60Z", "2013-03-31"),
        ("2013-03-31", "2013-03-31"),
        ("2013-03-31T10:00+05", "2013-03-31"),
    ],
)
def test_times_count_in_utc(program: ModuleType, text: str, day: str) -> None:
    assert program.EventTime(["when"], ["x", "when"]).day(["", text]).isoformat() == day


def spoilt(dataset: Dataset, field: str, value: Any) -> None:
    dataset.objects[0][field] = value


FAULTS = {
    "DamagedObject: s3://validated/flights/attempt=0/records.csv.gz, version v0 has the SHA-256": lambda data: spoilt(data, "sha256", "0" * 64),
    "MissingObject: s3://validated/flights/attempt=0/records.csv.gz, version gone is gone": lambda data: spoilt(data, "versionId", "gone"),
    "RowCountMismatch: .* has 6 records that count, the manifest says 7": lambda data: spoilt(data, "rows", 7),
    "RowCountMismatch: .* has 6 records that count, the manifest says 5": lambda data: spoilt(data, "rows", 5),
    "RowCountMismatch: .* has 5 records that count, the manifest says 6": lambda data: spoilt(data, "excluded", [[2, 2]]),
    "DamagedObject: s3://validated/runs": lambda data: spoilt(data, "excludedIn", {**data.store.put("runs", gzip.compress(b"[1,1]\n")), "sha256": "1" * 64}),
    "OtherColumns: .* has the columns year,month,day,value, .* has day,month,year": lambda data: data.csv(["day,month,year", "1,1,2013"]),
    "InvalidEventTime: year,month,day of a record is '2013,2,30', not a year, month and day": lambda data: data.csv([HEADER, "2013,2,30,x"]),
    "InvalidEventTime: .* is '2013,NA,1'": lambda data: data.csv([HEADER, "2013,NA,1,x"]),
}


@pytest.mark.parametrize("message", FAULTS)
def test_fails_on_what_is_not_as_the_manifest_says(program: ModuleType, dataset: Dataset, tmp_path: Path, message: str) -> None:
    dataset.csv([HEADER, *ROWS])
    FAULTS[message](dataset)
    with pytest.raises(program.Refused, match=message):
        program.prepare(dataset.store, dataset.options(tmp_path, SPLIT))


def test_fails_on_an_event_time_that_is_none(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv(["when", "2013-01-01", "13/02/2013"])
    with pytest.raises(program.Refused, match="InvalidEventTime: when of a record is '13/02/2013', not an ISO 8601 date or time"):
        program.prepare(dataset.store, dataset.options(tmp_path, divided((1, 0, 0), eventTime=["when"])))
    with pytest.raises(program.Refused, match="UnknownColumn: the data has no column then: name one of when"):
        program.prepare(dataset.store, dataset.options(tmp_path, divided((1, 0, 0), eventTime=["then"])))


@pytest.mark.parametrize(
    "split, wanted",
    [
        (divided((1, 3, 2)), "SplitMismatch: .*: train 2 instead of 1, validation 2 instead of 3: publish the dataset again"),
        (divided((2, 2, 2), gap=1), "SplitMismatch: .*: gap 0 instead of 1"),
        (divided((2, 2, 1), open=1), "SplitMismatch: .*: test 2 instead of 1, open 0 instead of 1"),
        (None, "NoSplit: the dataset version is not divided: give its dataset a split in the catalogue"),
        ({"problem": "TooFewMonths: the data has 2 closed months"}, "^TooFewMonths: the data has 2 closed months$"),
        ({"eventTime": ["year", "month", "day"]}, "InvalidManifest: the split of the manifest lacks 'train'"),
    ],
)
def test_fails_on_a_split_that_is_not_that_of_the_data(program: ModuleType, dataset: Dataset, tmp_path: Path, split: Any, wanted: str) -> None:
    dataset.csv([HEADER, *ROWS])
    with pytest.raises(program.Refused, match=wanted):
        program.prepare(dataset.store, dataset.options(tmp_path, split))
    assert not list(tmp_path.iterdir()), "nothing is written for a training that may not start"


def test_fails_on_a_dataset_without_records(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv([HEADER])
    with pytest.raises(program.Refused, match="EmptyDataset: the dataset has no records"):
        program.prepare(dataset.store, dataset.options(tmp_path, divided((0, 0, 0))))


def test_fails_on_a_manifest_that_contradicts_itself_or_is_none(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    none = dataset.store.put("x", b'{"id":"1"}')
    options = dataset.options(tmp_path, SPLIT, manifest_key="x", manifest_version=none["versionId"])
    with pytest.raises(program.Refused, match="InvalidManifest: s3://validated/x is no manifest of a dataset .'rows'."):
        program.prepare(dataset.store, options)
    contradiction = dataset.store.put("x", b'{"rows":2,"objects":[]}')
    with pytest.raises(program.Refused, match="says 2 rows, its objects have 0"):
        program.prepare(dataset.store, dataset.options(tmp_path, SPLIT, manifest_key="x", manifest_version=contradiction["versionId"]))


def test_other_errors_of_the_service_are_not_taken_for_a_missing_object(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    class Denied(Exception):
        response = {"Error": {"Code": "AccessDenied"}}

    class Closed:
        def get_object(self, **_: str) -> None:
            raise Denied("no")

    with pytest.raises(Denied):
        program.prepare(Closed(), dataset.options(tmp_path, SPLIT))


def test_the_reason_is_left_where_the_processing_job_shows_it(program: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    program.leave_message(str(tmp_path / "processing" / "output"), "TooFewMonths: " + "x" * 2000)
    assert (tmp_path / "output" / "message").read_bytes() == b"TooFewMonths: " + b"x" * 1010


def test_the_program_starts_by_itself_and_names_its_arguments() -> None:
    run = subprocess.run([sys.executable, str(ROOT / "jobs" / "prepare.py"), "--help"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert run.returncode == 0 and "--manifest-version" in run.stdout


FLIGHTS = ["year,month,day,id,shop,sold,late,amount", "2013,1,31,a,x,2013-01-31T23:30:00Z,10,4", "2013,2,28,b,x,2013-02-01T00:05:00Z,-5,NA"]
FLIGHTS += ["2013,2,1,c,x,2013-02-01T00:40:00Z,0,8", "2013,2,1,d,y,2013-02-01T00:40:00Z,0,1", "2013,3,31,e,x,2013-03-31T23:50:00Z,0,2"]
FLIGHTS += ["2013,4,1,f,x,2013-04-01T00:00:00Z,-15,6", "2013,3,1,g,x,2013-04-01T00:10:00Z,0,9"]
DELAY = {"name": "recent", "dataset": "sales", "entity": ["shop"], "function": "mean", "value": "amount", "windowSeconds": 3600, "leadSeconds": 0}
DELAY.update({"eventTime": {"column": "sold", "plusMinutes": ["late"]}, "asOf": {"column": "sold", "plusMinutes": []}, "nullTokens": ["NA"]})


SALES = divided((1, 3, 2), open=1)


def features(folder: Path, *definitions: dict) -> str:
    (folder / "features.json").write_text(json.dumps(definitions))
    return str(folder / "features.json")


def test_a_feature_sees_records_of_other_months_and_of_the_open_one_but_none_of_its_future(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    dataset.csv(FLIGHTS)
    program.prepare(dataset.store, dataset.options(tmp_path, SALES, features=features(tmp_path, DELAY, {**DELAY, "name": "number", "function": "count"})))
    assert read(tmp_path, "train")[0] == f"{FLIGHTS[0]},recent,number"
    assert read(tmp_path, "train")[1:] == [f"{FLIGHTS[1]},,0.0"], "its own sale is ten minutes later"
    # b: that of January, at 23:40; c: that and its own; d: another shop.
    assert read(tmp_path, "validation")[1:] == [f"{FLIGHTS[2]},4.0,1.0", f"{FLIGHTS[3]},8.0,1.0", f"{FLIGHTS[4]},1.0,1.0"]
    # e at 23:50: its own and, of the open month, f at 23:45; g at 00:10: both and its own.
    assert read(tmp_path, "test")[1:] == [f"{FLIGHTS[5]},4.0,2.0", f"{FLIGHTS[7]},{17 / 3!r},3.0"]


def test_json_lines_count_for_one_entity_in_every_spelling_of_its_integer(program: ModuleType, dataset: Dataset, tmp_path: Path) -> None:
    spellings = ["7", "7.0", "70e-1", "0.7E+1", "8"]
    dataset.jsonl([f'{{"year":2013,"month":1,"day":{day},"shop":{shop},"sold":"2013-02-01T00:40:00Z"}}' for day, shop in enumerate(spellings, 1)])
    count = {**DELAY, "function": "count", "integers": ["shop"], "eventTime": DELAY["asOf"]}
    program.prepare(dataset.store, dataset.options(tmp_path, divided((5, 0, 0)), features=features(tmp_path, {k: v for k, v in count.items() if k != "value"})))
    # The record itself stays as it was sent.
    assert [line.split(",")[2::3] for line in read(tmp_path, "train")] == [["shop", "recent"], *([shop, "1.0" if shop == "8" else "4.0"] for shop in spellings)]


@pytest.mark.parametrize("far", ["999999999999", "-999999999999", "9007199254740991", "-9007199254740991"])
def test_a_record_with_an_event_time_that_no_date_can_say_counts_nowhere_and_is_told(
    program: ModuleType, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], far: str
) -> None:
    dataset.csv([line.replace("c,x,2013-02-01T00:40:00Z,0,8", f"c,x,2013-02-01T00:40:00Z,{far},8") for line in FLIGHTS])
    program.prepare(dataset.store, dataset.options(tmp_path, SALES, features=features(tmp_path, DELAY, {**DELAY, "name": "moved", "asOf": DELAY["eventTime"]})))
    assert read(tmp_path, "validation")[2].endswith(f",{far},8,,"), "its own sale counts nowhere, and a moment that is none sees nothing"
    assert [line.split("  ")[-1] for line in capsys.readouterr().out.splitlines() if "leaves out" in line] == [
        f"{name} leaves out 1 records: their event time is beyond what a date can say" for name in ("recent", "moved")
    ]


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"name": "shop"}, "FeatureNameTaken: 'shop' is a column or another feature already"),
        ({"entity": ["store"], "value": "price"}, "UnknownColumn: the data has no column price, store, which the feature recent needs"),
        ({"eventTime": {"column": "shop", "plusMinutes": []}}, "InvalidMoment: 'shop' is 'x', not a timestamp"),
        ({"value": "id"}, "InvalidValue: 'id' is 'a', not a number"),
    ],
)
def test_fails_on_a_feature_that_does_not_go_with_the_data(program: ModuleType, dataset: Dataset, tmp_path: Path, changed: dict, message: str) -> None:
    dataset.csv(FLIGHTS)
    with pytest.raises(program.Refused, match=message):
        program.prepare(dataset.store, dataset.options(tmp_path, SALES, features=features(tmp_path, {**DELAY, **changed})))
