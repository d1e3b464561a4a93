"""The usual way in Python: the csv module, checks by hand, keys in a set, accepted records to gzip. <file> <compiled contract>"""

import csv
import gzip
import json
import re
import resource
import sys
import time



def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


started, processor_started = time.perf_counter(), processor_seconds()
file, contract_file = sys.argv[1:3]
with open(contract_file, encoding="utf-8") as source:
    contract = json.load(source)
nulls = {"", *contract["nullTokens"]}
INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)", re.ASCII)
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def check_of(column):
    required = column["required"]
    low, high = column.get("minimum", float("-inf")), column.get("maximum", float("inf"))
    pattern = re.compile(column["pattern"]) if "pattern" in column else None
    allowed = set(column["allowed"]) if "allowed" in column else None

    def integer(text):
        return INTEGER.fullmatch(text) is not None and low <= int(text) <= high

    def timestamp(text):
        match = TIMESTAMP.fullmatch(text)
        if match is None:
            return False
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 1 <= month <= 12 and 1 <= day <= DAYS[month - 1] and (leap or (month, day) != (2, 29))

    def text_rules(text):
        return (pattern is None or pattern.search(text) is not None) and (allowed is None or text in allowed)

    lexical = {"integer": integer, "timestamp": timestamp, "string": text_rules}[column["type"]]
    return lambda text: not required if text in nulls else lexical(text)


checks = [check_of(column) for column in contract["columns"]]
names = [column["name"] for column in contract["columns"]]
key_places = [names.index(name) for name in contract["primaryKey"]]
keys = set()
read = valid = 0


class Discard:
    def write(self, data):
        return len(data)

    def flush(self):
        pass


with open(file, encoding="utf-8", newline="") as source, gzip.GzipFile(fileobj=Discard(), mode="wb", compresslevel=1) as compressed:
    lines = []
    rows = csv.reader(source)
    next(rows)
    for row in rows:
        read += 1
        if len(row) != len(checks) or not all(check(text) for check, text in zip(checks, row)):
            continue
        key = tuple(row[place] for place in key_places)
        if key in keys:
            continue
        keys.add(key)
        valid += 1
        lines.append(",".join(row))
        if len(lines) == 3000:
            compressed.write(("\n".join(lines) + "\n").encode())
            lines = []
    compressed.write(("\n".join(lines) + "\n").encode())


def peak_mebibytes():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


print(
    json.dumps(
        {
            "read": read,
            "valid": valid,
            "seconds": time.perf_counter() - started,
            "cpuSeconds": processor_seconds() - processor_started,
            "mebibytes": peak_mebibytes(),
        }
    )
)
