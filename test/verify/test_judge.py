"""The verifier's own intake, on files that are written here and on the published quarter."""
from __future__ import annotations

import gzip
import json
from collections import Counter

import pytest

import flights_csv
from judge import COLUMNS, LONGEST, Judge, Refused, fields, frames
from section_files import fault_of

HEADER = ",".join(COLUMNS).encode()
GOOD = b"2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"


def with_value(column: str, value: str, flight: int = 1545) -> bytes:
    """The good record with other values."""
    values = dict(zip(COLUMNS, GOOD.decode().split(",")))
    values.update({"flight": str(flight), column: value})
    return ",".join(values.values()).encode()


def rules(*records: bytes) -> list[str | None]:
    """The verdict on each record of a file."""
    return [record.rule for record in Judge().file(b"\n".join([HEADER, *records]))]


def test_the_published_quarter_is_valid_but_for_one_aircraft_that_flew_three_times() -> None:
    found: Counter[str | None] = Counter()
    for lines in flights_csv.files(1, 3).values():
        found.update(record.rule for record in Judge().file(b"\n".join([flights_csv.header(), *lines, b""])))
    assert found == {None: 80_786, "pattern": 3}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("year", "2012", "range"), ("month", "13", "range"), ("day", "0", "range"), ("day", "", "required"), ("dep_time", "NA", None),
        ("dep_time", "2400", None), ("dep_time", "2401", "range"), ("dep_time", "-1", "range"), ("dep_delay", "-1440", None),
        ("arr_delay", "2881", "range"), ("carrier", "U", "pattern"), ("carrier", "NA", "required"), ("tailnum", "NA", None),
        ("tailnum", "D942DN", "pattern"), ("origin", "XXX", "allowed"), ("origin", "ewr", "pattern"), ("dest", "XXX", None),
        ("distance", "far", "type"), ("distance", "6000", None), ("distance", "6001", "range"), ("distance", "01", "type"),
        ("air_time", "0", "range"), ("distance", "1e3", "type"), ("time_hour", "2013-02-29T10:00:00Z", "type"),
        ("time_hour", "2013-01-01T24:00:00Z", "type"), ("time_hour", "2013-01-01 10:00:00Z", "type"),
        ("time_hour", "2013-01-01T05:00:00-05", None), ("time_hour", "2013-01-01T05:00:00-0500", None),
        ("time_hour", "2013-01-01T05:00:00-24", "type"), ("time_hour", "2013-01-01T05:00:00-05:", "type"),
    ],
)  # fmt: skip
def test_a_value_is_judged_by_the_contract(column: str, value: str, rule: str | None) -> None:
    record = with_value(column, value)
    (found,) = Judge().file(HEADER + b"\n" + record)
    assert (found.rule, found.column) == (rule, None if rule is None else column)


def test_the_first_of_two_records_with_one_key_stays() -> None:
    assert rules(GOOD, with_value("distance", "1401"), with_value("origin", "JFK")) == [None, "duplicate key", None]


def test_a_refused_record_claims_no_key() -> None:
    assert rules(with_value("distance", "far"), GOOD) == ["type", None]


def test_unreadable_records_are_refused_one_by_one() -> None:
    cut, more = GOOD.rpartition(b",")[0], GOOD + b",extra"
    assert rules(cut, more, GOOD.replace(b"IAH", b"I\xffH"), GOOD.replace(b"IAH", b"I\0H"), GOOD) == [
        "column count", "column count", "invalid UTF-8", "NUL byte", None,
    ]  # fmt: skip


def test_positions_are_those_of_the_bytes() -> None:
    data = b"\xef\xbb\xbf" + HEADER + b"\r\n\n" + GOOD + b"\r\n" + with_value("flight", "7") + b"\n"
    records = Judge().file(data)
    assert [data[record.offset : record.offset + len(record.raw)] for record in records] == [record.raw for record in records]
    assert [record.number for record in records] == [1, 2]


def test_a_newline_in_quotes_belongs_to_the_field() -> None:
    assert [raw for _, raw in frames(b'a,"b\n""c",d\ne"f,g\n')] == [b'a,"b\n""c",d', b'e"f,g']


def test_a_longer_record_ends_at_the_first_newline_behind_the_maximum() -> None:
    first, *others = [raw for _, raw in frames(b'"' + b"x" * LONGEST + b'x\ny\n"z\n"')]
    assert (len(first), others) == (LONGEST + 2, [b"y", b'"z\n"'])


@pytest.mark.parametrize(("line", "wanted"), [("a,b", ["a", "b"]), ('"a,""b""",', ['a,"b"', ""]), ('a"b', None), ('"a"b', None), ("a\rb", None)])
def test_quoting_follows_rfc_4180(line: str, wanted: list[str] | None) -> None:
    assert fields(line) == wanted


OPTIONAL = ["dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time"]


def file_with(columns: list[str], *records: dict[str, str]) -> bytes:
    """A file of these columns; the records are the good one with other values."""
    values = dict(zip(COLUMNS, GOOD.decode().split(",")))
    return "\n".join(",".join(row[name] for name in columns) for row in [dict(zip(COLUMNS, COLUMNS)), *({**values, **record} for record in records)]).encode()


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_column_that_needs_no_value_may_be_left_out_and_is_empty_in_valid_data(name: str) -> None:
    columns = [other for other in reversed(COLUMNS) if other != name]
    good, bad, again = Judge().file(file_with(columns, {}, {"distance": "far"}, {}))
    assert (good.rule, good.written) == (None, with_value(name, ""))
    assert good.raw == file_with(columns, {}).split(b"\n")[1]
    assert (bad.rule, bad.column, again.rule) == ("type", "distance", "duplicate key")


def test_a_record_has_as_many_fields_as_its_header() -> None:
    columns = [name for name in COLUMNS if name not in OPTIONAL]
    (found,) = Judge().file(file_with(columns) + b"\n" + GOOD)
    assert found.rule == "column count"


def test_a_record_whose_columns_come_in_another_order_is_written_in_the_contracts_order_and_without_needless_quotes() -> None:
    (found,) = Judge().file(file_with([*COLUMNS][::-1], {"dest": '"IAH"'}))
    assert (found.rule, found.written) == (None, GOOD)


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in OPTIONAL])
def test_fails_on_a_file_without_a_column_that_needs_a_value(name: str) -> None:
    with pytest.raises(Refused, match="does not fit the contract"):
        Judge().file(file_with([other for other in COLUMNS if other != name], {}))


def test_fails_on_a_column_that_is_unknown_or_comes_twice() -> None:
    for data in (HEADER.replace(b"tailnum", b"tailnumber"), HEADER + b",tailnum", HEADER.replace(b"air_time", b"tailnum")):
        with pytest.raises(Refused, match="does not fit the contract"):
            Judge().file(data + b"\n")


@pytest.mark.parametrize("data", [b"", b"a,b\n", HEADER + b',"open', HEADER + b"\n" + b'"open', gzip.compress(GOOD)[:-9]])
def test_fails_on_a_file_that_cannot_be_read_as_a_whole(data: bytes) -> None:
    with pytest.raises(Refused):
        Judge().file(data)


def test_a_compressed_file_is_read_like_a_plain_one() -> None:
    assert [record.rule for record in Judge().file(gzip.compress(HEADER + b"\n" + GOOD))] == [None]


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        (GOOD.rpartition(b",")[0], "truncated record"), (GOOD + b",x", "wrong column count"), (with_value("origin", "XXX"), "unknown origin"),
        (with_value("distance", "far"), "text in a number"), (GOOD.replace(b"IAH", b"I\xffH"), "bad UTF-8"),
        (with_value("distance", "1401"), None), (with_value("origin", "JFK"), None), (b"other," + GOOD, None),
    ],
)  # fmt: skip
def test_a_planted_fault_is_known_by_what_it_did(after: bytes, fault: str | None) -> None:
    assert fault_of(GOOD, after) == fault


def enveloped(**changes: object) -> bytes:
    """A line of an object that a stream was landed in."""
    values = {name: int(text) if text.lstrip("-").isdigit() else text for name, text in zip(COLUMNS, GOOD.decode().split(","))}
    return json.dumps({"id": "shard:1", "time": "2013-01-01T10:00:00Z", "data": json.dumps({**values, **changes})}).encode()


def test_records_of_a_stream_are_judged_as_those_of_files_are_and_valid_data_has_them_as_such() -> None:
    good, late, bad, again = Judge().batch(b"\n".join([enveloped(), enveloped(flight=2, arr_delay=None), enveloped(flight=3, tailnum="D942DN"), enveloped()]))
    assert (good.rule, good.written, good.raw) == (None, GOOD, enveloped())
    assert (late.rule, late.written) == (None, with_value("arr_delay", "", 2))
    assert (bad.rule, bad.column, again.rule) == ("pattern", "tailnum", "duplicate key")


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id": "a"}', b'{"data": "no JSON"}', b'{"data": "{}"}'])
def test_an_object_of_a_stream_without_records_is_refused(line: bytes) -> None:
    with pytest.raises(Refused, match="line 1 has no record that is JSON"):
        Judge().batch(line)
