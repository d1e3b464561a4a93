"""Makes training, validation and test data out of one dataset version. Runs as a SageMaker processing job; needs boto3,
and pyarrow for a dataset with objects in Parquet.

Reads the manifest at its pinned version, fetches each object that it names at its pinned version, checks bytes and counts, leaves out the
superseded records and divides the others by the days of their events as the manifest's split says, whose counts must come out. Rolling aggregates
are added as columns: over all records, also those that no split has. The same manifest and features always give the same bytes. Formats: README.md
beside this file.
"""
from __future__ import annotations

import argparse
import csv
import datetime
import gzip
import hashlib
import importlib.util
import io
import itertools
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from typing import Any, Iterator, TextIO

SPLITS = ("train", "validation", "test")
CHUNK = 1 << 20
BATCH = 8192  # records of a Parquet file that are in memory at once
LONGEST_FIELD = 1 << 20  # as long as a record of the intake; the csv module alone would stop at 128 KiB
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?")


class Refused(Exception):
    """The job cannot give what it was asked for; the text says why and what to do."""


def progress(text: str) -> None:
    print(f"{time.process_time():6.2f} s  {text}", flush=True)


def fetch(s3: Any, bucket: str, key: str, version: str, target: str, expected: str | None = None) -> None:
    """Streams one object version into the file `target`. Errors: it is gone, or its bytes are not those of the SHA-256 `expected`."""
    place = f"s3://{bucket}/{key}, version {version}"
    digest = hashlib.sha256()
    try:
        body = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"]
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        if code not in ("NoSuchKey", "NoSuchVersion", "404"):
            raise
        raise Refused(f"MissingObject: {place} is gone: restore it, or publish the dataset again") from error
    with open(target, "wb") as file:
        for chunk in iter(lambda: body.read(CHUNK), b""):
            digest.update(chunk)
            file.write(chunk)
    if expected is not None and digest.hexdigest() != expected:
        raise Refused(f"DamagedObject: {place} has the SHA-256 {digest.hexdigest()}, the manifest says {expected}: restore it, or publish the dataset again")


def read_manifest(s3: Any, bucket: str, key: str, version: str, folder: str) -> dict:
    path = os.path.join(folder, "manifest.json")
    fetch(s3, bucket, key, version, path)
    try:
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        rows, named = manifest["rows"], sum(item["rows"] for item in manifest["objects"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"InvalidManifest: s3://{bucket}/{key} is no manifest of a dataset ({error}): give the one that the catalogue names") from error
    if named != rows:
        raise Refused(f"InvalidManifest: s3://{bucket}/{key} says {rows} rows, its objects have {named}: publish the dataset again")
    return manifest


class Part:
    """One validated object on the local disk. Records are numbered from 1, without the header."""

    def __init__(self, s3: Any, item: dict, bucket: str, folder: str, number: int) -> None:
        self.item, self.path = item, os.path.join(folder, f"{number}.gz")
        # Manifests from before there was Parquet do not name the format.
        self.format = item.get("format", "jsonl" if item["key"].endswith(".jsonl.gz") else "csv")
        fetch(s3, item["bucket"], item["key"], item["versionId"], self.path, item["sha256"])
        self.excluded = [tuple(run) for run in item.get("excluded", [])]
        if "excludedIn" in item:
            beside, runs = item["excludedIn"], os.path.join(folder, "excluded.gz")
            fetch(s3, bucket, beside["key"], beside["versionId"], runs, beside["sha256"])
            with gzip.open(runs, "rt", encoding="utf-8") as lines:
                self.excluded = [tuple(json.loads(line)) for line in lines if line.strip()]

    def records(self, columns: list[str]) -> Iterator[list[str]]:
        """Every record that counts, as texts in the order of `columns` (JSON Lines) or of the header (CSV, Parquet)."""
        runs, first, last = iter(self.excluded), 0, 0
        for number, record in enumerate(self._all(columns), 1):
            while number > last:
                first, last = next(runs, (sys.maxsize, sys.maxsize))
            if number < first:
                yield record

    def _all(self, columns: list[str]) -> Iterator[list[str]]:
        if self.format == "parquet":
            yield from self._batches()
            return
        with self._lines() as lines:
            yield from self._objects(lines, columns) if self.format == "jsonl" else self._table(lines)

    def _lines(self) -> TextIO:
        # A newline alone ends a line: between the tokens of JSON and in a quoted field of CSV a carriage return may stand.
        return gzip.open(self.path, "rt", encoding="utf-8", newline="\n")

    def header(self) -> list[str]:
        """Columns in the contract's order for CSV and Parquet; JSON Lines have no order, theirs are sorted."""
        if self.format == "parquet":
            return self._parquet().schema_arrow.names
        with self._lines() as lines:
            if self.format == "csv":
                return next(csv.reader(lines), [])
            return sorted({name for line in lines if line.strip() for name in json.loads(line)})

    @staticmethod
    def _table(lines: TextIO) -> Iterator[list[str]]:
        return itertools.islice(filter(None, csv.reader(lines)), 1, None)

    @staticmethod
    def _objects(lines: TextIO, columns: list[str]) -> Iterator[list[str]]:
        keep_digits = json.JSONDecoder(parse_float=str, parse_int=str).decode
        for line in lines:
            if line.strip():
                record = keep_digits(line)
                yield [_text(record.get(name)) for name in columns]

    def _parquet(self) -> Any:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError as error:
            raise Refused(f"MissingLibrary: {self.item['key']} is Parquet and this image has no pyarrow: use one that has it, such as scikit-learn 1.4-2") from error
        return ParquetFile(self.path)

    def _batches(self) -> Iterator[list[str]]:
        for batch in self._parquet().iter_batches(batch_size=BATCH):
            yield from map(list, zip(*map(_texts, batch.columns)))

    def check(self, counted: int) -> None:
        bucket, key, rows = (self.item[name] for name in ("bucket", "key", "rows"))
        if counted != rows:
            raise Refused(f"RowCountMismatch: s3://{bucket}/{key} has {counted} records that count, the manifest says {rows}: publish the dataset again")


def _texts(column: Any) -> list[str]:
    """Values of a Parquet column: empty for null, ISO 8601 for days and instants, `repr()` for numbers that may have a fraction."""
    kind = str(column.type)
    if kind.startswith(("timestamp", "date")):
        # As texts, because Python knows no years before 1 and after 9999, where an instant may be in UTC.
        texts = column.cast("string").to_pylist()
        return ["" if text is None else text.replace(" ", "T").replace(".000000Z", "Z") for text in texts]
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def columns_of(parts: list[Part]) -> list[str]:
    if all(part.format == "jsonl" for part in parts):
        return sorted(set().union(*[part.header() for part in parts]))
    parts = [part for part in parts if part.format != "jsonl"]
    headers = [part.header() for part in parts]
    for part, header in zip(parts, headers):
        if header != headers[0]:
            names = f"{parts[0].item['key']} has the columns {','.join(headers[0])}, {part.item['key']} has {','.join(header)}"
            raise Refused(f"OtherColumns: {names}: re-run the older one with the contract of today")
    return headers[0]


class EventTime:
    """The day of a record, as a date in UTC, from one ISO 8601 column or from three with year, month and day."""

    def __init__(self, names: list[str], columns: list[str]) -> None:
        missing = ", ".join(name for name in names if name not in columns)
        if missing:
            raise Refused(f"UnknownColumn: the data has no column {missing}: name one of {', '.join(columns)}")
        self.names, self.places, self.days = names, [columns.index(name) for name in names], {}

    def day(self, record: list[str]) -> datetime.date:
        texts = tuple([record[place] for place in self.places])
        day = self.days.get(texts)
        if day is None:
            day = self._read(texts)
            if len(self.days) < 100_000:
                self.days[texts] = day
        return day

    def _read(self, texts: tuple) -> datetime.date:
        try:
            if len(texts) == 3:
                return datetime.date(*[int(text) for text in texts])
            year, month, day, hour, minute, second, zone = TIME.fullmatch(texts[0].strip()).groups()
            moment = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59))
            if zone not in (None, "Z"):
                digits = zone[1:].replace(":", "").ljust(4, "0")
                offset = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
                moment -= -offset if zone[0] == "-" else offset
            return moment.date()
        except (ValueError, AttributeError, OverflowError):
            wanted = "an ISO 8601 date or time" if len(self.names) == 1 else "a year, month and day"
            found = f"{','.join(self.names)} of a record is '{','.join(texts)}', not {wanted}"
            raise Refused(f"InvalidEventTime: {found}: name a column that always has one, or demand it in the contract") from None


class Split:
    """The periods of a manifest's split. Errors: it has none, or says why there is none, or is no split."""

    def __init__(self, manifest: dict) -> None:
        split = manifest.get("split")
        if split is None:
            raise Refused("NoSplit: the dataset version is not divided: give its dataset a split in the catalogue, and publish it again")
        if "problem" in split:
            raise Refused(split["problem"])
        try:
            self.event_time = list(split["eventTime"])
            self.periods = {name: (split[name]["from"], split[name]["until"]) for name in SPLITS}
            self.rows = {**{name: split[name]["rows"] for name in SPLITS}, **{name: split[name] for name in ("gap", "open")}}
        except (KeyError, TypeError) as error:
            raise Refused(f"InvalidManifest: the split of the manifest lacks {error}: publish the dataset again") from error
        self.end = self.periods["test"][1]

    def of(self, day: datetime.date) -> str:
        text = day.isoformat()
        if text >= self.end:
            return "open"
        return next((name for name, (first, until) in self.periods.items() if first <= text < until), "gap")

    def check(self, days: Counter) -> None:
        found = dict.fromkeys(self.rows, 0)
        for day, count in days.items():
            found[self.of(day)] += count
        wrong = [f"{name} {found[name]} instead of {rows}" for name, rows in self.rows.items() if found[name] != rows]
        if wrong:
            raise Refused(f"SplitMismatch: the manifest's split has other records than the data: {', '.join(wrong)}: publish the dataset again")


def features_of(options: argparse.Namespace, columns: list[str]) -> Any:
    """What `--features` adds to a record; None without. The program that computes it comes with the job, under the name of its asset."""
    if options.features is None:
        return None
    spec = importlib.util.spec_from_file_location("rolling_aggregate", options.engine)
    engine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engine)
    with open(options.features, encoding="utf-8") as file:
        return engine.Features(json.load(file), columns, Refused)


def scan(parts: list[Part], columns: list[str], event_time: EventTime, features: Any) -> Counter:
    """Number of records of each day; shows each record to the features. Errors: another number of records than the manifest says."""
    days = Counter()
    for part in parts:
        found = Counter()
        for record in part.records(columns):
            found[event_time.day(record)] += 1
            if features is not None:
                features.add(record)
        part.check(sum(found.values()))
        days.update(found)
    return days


def write(parts: list[Part], columns: list[str], event_time: EventTime, days: Counter, split: Split, features: Any, output: str) -> None:
    files, writers = [], {}
    for name in SPLITS:
        os.makedirs(os.path.join(output, name), exist_ok=True)
        raw = open(os.path.join(output, name, "records.csv.gz"), "wb")
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0)
        text = io.TextIOWrapper(io.BufferedWriter(packed, CHUNK), encoding="utf-8", newline="")
        files += [text, packed, raw]
        writers[name] = csv.writer(text, lineterminator="\n").writerow
        writers[name](columns if features is None else columns + features.names)
    of_day = {day: writers.get(split.of(day)) for day in days}
    for part in parts:
        for record in part.records(columns):
            write_row = of_day[event_time.day(record)]
            if write_row is not None:
                write_row(record if features is None else record + features.of(record))
    for file in files:
        file.close()


def summary(manifest: dict, days: Counter, split: Split) -> dict:
    first, last, months = {}, {}, {name: [] for name in (*SPLITS, "open")}
    for day in sorted(days):
        name, text = split.of(day), day.isoformat()
        first.setdefault(name, text)
        last[name] = text
        if name in months and text[:7] not in months[name]:
            months[name].append(text[:7])
    after = next(iter(months.pop("open")), None)
    return {"datasetId": manifest.get("id"), "rows": split.rows, "firstEvent": first, "lastEvent": last, "months": months, "openMonth": after}


def prepare(s3: Any, options: argparse.Namespace) -> dict:
    """Writes the three splits and summary.json below `options.output`, and returns the summary."""
    csv.field_size_limit(LONGEST_FIELD)
    with tempfile.TemporaryDirectory() as folder:
        manifest = read_manifest(s3, options.manifest_bucket, options.manifest_key, options.manifest_version, folder)
        parts = [Part(s3, item, options.manifest_bucket, folder, number) for number, item in enumerate(manifest["objects"])]
        progress(f"fetched {len(parts)} objects, {sum(item['bytes'] for item in manifest['objects'])} bytes")
        parts = [part for part in parts if part.item["rows"] > 0]
        if not parts:
            raise Refused("EmptyDataset: the dataset has no records: publish more data")
        split = Split(manifest)
        columns = columns_of(parts)
        event_time = EventTime(split.event_time, columns)
        features = features_of(options, columns)
        days = scan(parts, columns, event_time, features)
        split.check(days)
        progress(f"checked {sum(days.values())} records of {min(days)} to {max(days)}")
        for aggregate in features.aggregates if features else []:
            if aggregate.beyond_time > 0:
                progress(f"{aggregate.name} leaves out {aggregate.beyond_time} records: their event time is beyond what a date can say")
        write(parts, columns, event_time, days, split, features, options.output)
        result = summary(manifest, days, split)
        with open(os.path.join(options.output, "summary.json"), "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1, sort_keys=True)
        progress("wrote " + ", ".join(f"{name} {result['rows'][name]}" for name in SPLITS))
        return result


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for part in ("bucket", "key", "version"):
        parser.add_argument(f"--manifest-{part}", required=True)
    parser.add_argument("--features", help="file with the definitions of rolling aggregates (default: none)")
    parser.add_argument("--engine", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "rolling_aggregate.py"), help="program that computes them")
    parser.add_argument("--output", required=True, help="folder that the job uploads")
    return parser.parse_args(argv)


def main() -> None:
    options = arguments()
    try:
        import boto3

        prepare(boto3.client("s3"), options)
    except Refused as refused:
        leave_message(options.output, str(refused))
        sys.exit(str(refused))


def leave_message(output: str, text: str) -> None:
    """Where SageMaker reads why a processing job ended: /opt/ml/output/message, at most 1 KB
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProcessingJob.html)."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(output))), "output")
    if os.path.isdir(folder):
        with open(os.path.join(folder, "message"), "wb") as file:
            file.write(text.encode()[:1024])


if __name__ == "__main__":
    main()
