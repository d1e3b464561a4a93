"""The rules of a contract as two Python frameworks know them. <pandera|frictionless> <file> <compiled contract>. Prints one line of JSON.

Neither writes what it accepts: they are measured without output, the intake with it.
"""

import json
import resource
import sys
import time


def with_pandera(file, contract, started):
    import pandas
    import pandera.pandas as pandera

    started()

    def column(it):
        checks = []
        if it["type"] == "integer":
            if "minimum" in it or "maximum" in it:
                checks.append(pandera.Check.in_range(it.get("minimum", float("-inf")), it.get("maximum", float("inf"))))
            return pandera.Column("Int64", checks, nullable=not it["required"])
        if it["type"] == "timestamp":
            return pandera.Column("datetime64[us, UTC]", nullable=not it["required"])
        if "pattern" in it:
            checks.append(pandera.Check.str_matches(it["pattern"]))
        if "allowed" in it:
            checks.append(pandera.Check.isin(it["allowed"]))
        return pandera.Column("str", checks, nullable=not it["required"])

    columns = contract["columns"]
    schema = pandera.DataFrameSchema(
        {it["name"]: column(it) for it in columns}, unique=contract["primaryKey"], report_duplicates="exclude_first", strict=True, ordered=True
    )
    frame = pandas.read_csv(
        file,
        dtype={it["name"]: {"integer": "Int64"}.get(it["type"], "str") for it in columns},
        na_values=["", *contract["nullTokens"]],
        keep_default_na=False,
        encoding="utf-8",
    )
    for it in columns:
        if it["type"] == "timestamp":
            frame[it["name"]] = pandas.to_datetime(frame[it["name"]], format="ISO8601", utc=True).dt.as_unit("us")
    try:
        schema.validate(frame, lazy=True)
        refused = 0
    except pandera.errors.SchemaErrors as errors:
        refused = errors.failure_cases["index"].nunique()
    return len(frame), len(frame) - int(refused)


def with_frictionless(file, contract, started):
    from frictionless import Resource, Schema, system

    started()

    def field(it):
        constraints = {"required": it["required"]}
        for ours, theirs in (("minimum", "minimum"), ("maximum", "maximum"), ("pattern", "pattern"), ("allowed", "enum")):
            if ours in it:
                constraints[theirs] = it[ours]
        kind = {"integer": "integer", "timestamp": "datetime", "string": "string"}[it["type"]]
        return {"name": it["name"], "type": kind, "constraints": constraints}

    schema = Schema.from_descriptor(
        {
            "fields": [field(it) for it in contract["columns"]],
            "primaryKey": contract["primaryKey"],
            "missingValues": ["", *contract["nullTokens"]],
        }
    )
    # Its safe mode refuses paths outside the working folder.
    with system.use_context(trusted=True):
        report = Resource(path=file, schema=schema, format="csv", encoding="utf-8").validate()
    read = report.tasks[0].stats["rows"]
    refused = {tuple(row) for row in report.flatten(["rowNumber"])}
    if report.errors or any(error.type in ("source-error", "scheme-error") for error in report.tasks[0].errors):
        raise SystemExit(f"frictionless could not read the file: {report.errors or report.tasks[0].errors}")
    return read, read - len(refused)


def peak_mebibytes():
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Watch:
    """Runs from when the framework is loaded: a process loads it once, however many files come."""

    def start(self):
        self.at, self.processor_at = time.perf_counter(), processor_seconds()

    def read(self):
        return {"seconds": time.perf_counter() - self.at, "cpuSeconds": processor_seconds() - self.processor_at}


framework, source, contract_file = sys.argv[1:]
with open(contract_file, encoding="utf-8") as text:
    rules = json.load(text)
watch = Watch()
rows, accepted = {"pandera": with_pandera, "frictionless": with_frictionless}[framework](source, rules, watch.start)
print(json.dumps({"read": rows, "valid": accepted, **watch.read(), "mebibytes": peak_mebibytes()}))
