"""The dataset version that the run published, derived again from the committed rows."""
from __future__ import annotations

import hashlib
import json
from typing import Any

from checks import Section
from context import DATASET, Context
from judge import KEY
from section_books import tally


def check(section: Section, context: Context) -> None:
    reported = context.report["dataset"]
    manifest = derived(context)
    section.same("id", manifest["id"], reported["id"])
    section.same("rows", tally(context.run_files)["valid"], reported["rows"])
    section.same("files", len(manifest["objects"]), reported["files"])
    section.same("manifest's key", f"datasets/{DATASET}/{manifest['id']}/manifest.json", reported["manifest"])
    row = _catalogue_row(context, manifest["id"])
    wanted = {"dataset": DATASET, "id": manifest["id"], "rows": manifest["rows"], "files": len(manifest["objects"]), "contract": manifest["contract"]}
    section.same("row in the catalogue", wanted, {name: row.get(name) for name in wanted}, "catalogue")
    stored = json.loads(context.account.bytes_of(context.outputs["ValidatedBucket"], row["manifest"], row["manifestVersion"]))
    differing = [name for name in sorted({*manifest, *stored}) if manifest.get(name) != stored.get(name)]
    section.holds("the stored manifest, at the version in the catalogue, is the derived one", [f"{name} differs" for name in differing], len(stored["objects"]))
    section.holds("it pins objects that are there", _missing(context, stored), len(stored["objects"]))


def derived(context: Context) -> dict[str, Any]:
    """The manifest of the run's committed rows; its id says content only, no keys and no times."""
    rows = [context.rows[file.row] for file in context.run_files if context.counts(context.rows[file.row])]
    rows.sort(key=lambda row: row["contentSha256"])
    contracts = sorted({row["contract"] for row in rows})
    identity = {
        "contents": [[row["contentSha256"], row["validated"]["rows"]] for row in rows],
        "contract": contracts[0],
        "primaryKey": list(KEY),
    }
    return {
        "id": hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest(),
        "dataset": DATASET,
        "contract": contracts[0] if len(contracts) == 1 else f"one of {len(contracts)}",
        "primaryKey": list(KEY),
        "rows": sum(row["validated"]["rows"] for row in rows),
        "objects": [_object(context, row) for row in rows],
    }


def _object(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    names = ("key", "versionId", "bytes", "rows", "sha256")
    source = {"source": row["key"], "sourceVersion": row["versionId"], "bucket": context.outputs["ValidatedBucket"]}
    return {**source, **{name: row["validated"][name] for name in names}, "content": row["contentSha256"]}


def _catalogue_row(context: Context, dataset_id: str) -> dict[str, Any]:
    items = context.account.table(context.outputs["CatalogTable"])
    found = [item for item in items if item["pk"] == f"{DATASET}#{dataset_id}"]
    if not found:
        raise LookupError(f"the catalogue has no row for {DATASET}#{dataset_id}: it has {', '.join(item['pk'] for item in items) or 'none'}")
    return found[0]


def _missing(context: Context, manifest: dict[str, Any]) -> list[str]:
    problems = []
    for item in manifest["objects"]:
        data = context.account.bytes_of(item["bucket"], item["key"], item["versionId"])
        if hashlib.sha256(data).hexdigest() != item["sha256"] or len(data) != item["bytes"]:
            problems.append(f"{item['key']} has other bytes")
    return problems
