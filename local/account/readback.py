"""Reads every resource of deployed stacks back from its own service's API. A client of a running account.

`python -m account.readback STACK...` prints one JSON object: resources read, missing ones, types without a reader.
"""
from __future__ import annotations

import json
import sys
from typing import Any, Callable

from . import aws
from .readers import NOT_RESOURCES, READERS

Row = dict[str, str]


def resources(stack: str) -> list[Row]:
    """The resources that CloudFormation says the stack has."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        {"stack": stack, "type": r["ResourceType"], "logicalId": r["LogicalResourceId"], "id": r.get("PhysicalResourceId", "")}
        for page in pages
        for r in page["StackResourceSummaries"]
        if r["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def read(row: Row, rows: list[Row]) -> str | None:
    """What is wrong with one resource, or None when its service has it."""
    reader: Callable[[str, Callable[[str], list[str]]], Any] = READERS[row["type"]]
    try:
        answer = reader(row["id"], lambda type: [other["id"] for other in rows if other["type"] == type])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if answer else "the service answered, but without it"


def run(stacks: list[str]) -> dict[str, Any]:
    """The report for all stacks."""
    rows = [row for stack in stacks for row in resources(stack)]
    missing, unread, done = [], set(), 0
    for row in rows:
        if row["type"] in NOT_RESOURCES or row["type"].startswith("Custom::"):
            continue
        if row["type"] not in READERS:
            unread.add(row["type"])
            continue
        problem = read(row, rows)
        done += 1
        if problem:
            missing.append({**row, "problem": problem})
    return {"read": done, "missing": missing, "typesWithoutReader": sorted(unread)}


if __name__ == "__main__":
    report = run(sys.argv[1:])
    print(json.dumps(report))
    sys.exit(1 if report["missing"] else 0)
