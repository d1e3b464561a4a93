"""Training, gate, registration and releases: what the run said of them, and what the account holds beside."""
from __future__ import annotations

import hashlib
import json
from typing import Any, Iterator

import gate
import section_releases
from checks import Section
from config_file import contact, owner, signature_inputs
from context import MODEL, Context, once
from datasets import datasets
from registry import Version, fetched
from section_events import training_rows
from training_run import TrainingRun

MILLISECOND = 0.0015
ROLES = ("dataset-id", "code-revision", "image-digest", "parameters-sha256", "training-run", "evaluation-s3-uri", "code-s3-uri")


def check(section: Section, context: Context) -> None:
    runs = training_runs(context)
    law = {**gate.rules(context.report["config"], MODEL), "fields": signature_inputs(context.report["config"], MODEL)}
    section.same("rules of the gate", [law], _deployed(context), "deployed")
    _arrivals(section, context)
    _reported(section, context, runs)
    for run in runs:
        _run(section, run)
    _registered(section, context, runs)
    section_releases.check(section, context)


@once
def training_runs(context: Context) -> list[TrainingRun]:
    """Every run in the books that has a verdict."""
    known, law = datasets(context), gate.rules(context.report["config"], MODEL)
    rows = [row for row in training_rows(context) if "verdict" in row]
    strange = [row["pk"] for row in rows if row["plan"]["datasetId"] not in known]
    if strange:
        raise LookupError(f"{', '.join(strange)} trained on a dataset that is no version of the flights up to a month")
    return [TrainingRun(row, known[row["plan"]["datasetId"]], context, law) for row in rows]


@once
def _deployed(context: Context) -> list[gate.Rules]:
    return [json.loads(variables["GATE_RULES"]) for variables in context.account.environment_with("GATE_RULES").values()]


def _arrivals(section: Section, context: Context) -> None:
    """Each month that arrived became a dataset version of everything up to it."""
    known = {dataset.last: dataset for dataset in datasets(context).values()}
    arrivals = context.report["arrivals"]
    months = [context.report["months"][1] + 1 + at for at in range(len(arrivals))]
    section.same("months that arrived", months, [item["month"] for item in arrivals])
    section.same("their dataset versions", [known[month].id for month in months], [item["dataset"] for item in arrivals])
    files = [len(known[month].manifest["objects"]) - len(known[month - 1].manifest["objects"]) for month in months]
    section.same("their files", files, [item["files"] for item in arrivals])
    catalogue = {row["id"] for row in context.account.table(context.outputs["CatalogTable"])}
    section.same("dataset versions of months", sorted(dataset.id for dataset in known.values()), sorted(catalogue), "catalogue")


def _reported(section: Section, context: Context, runs: list[TrainingRun]) -> None:
    reported = context.report["training"]
    ids = [context.report["dataset"]["id"], *(item["dataset"] for item in context.report["arrivals"])]
    section.same("training runs, one for each dataset version", ids, [item["datasetId"] for item in reported])
    own = {run.dataset.id: run for run in reversed(runs)}
    section.holds("each is in the books as reported", (text for item in reported for text in _told(own.get(item["datasetId"]), item)), len(reported))
    later = len(runs) - len(reported)
    if later > 0:
        section.note(f"{later} training runs came later; they are judged, but not reported")


def _told(run: TrainingRun | None, item: dict[str, Any]) -> Iterator[str]:
    """What the report says of a run that is not so. Its figures are held against our own, not against the books."""
    if run is None:
        yield f"no run is on {item['datasetId'][:12]}"
        return
    name = f"the run up to month {run.dataset.last}"
    wanted = {"state": run.row["state"], "packageArn": run.row.get("packageArn"), "reasons": run.due(item["figures"])}
    yield from (f"{name}: {field} is {item.get(field)}, not {value}" for field, value in wanted.items() if item.get(field) != value)
    yield from (f"{name}: {problem}" for problem in run.figure_problems(item["figures"]))
    if abs(run.seconds - item["seconds"]) > MILLISECOND:
        yield f"{name}: took {run.seconds:.3f} s, not {item['seconds']}"


def _run(section: Section, run: TrainingRun) -> None:
    name, rows = f"run on months up to {run.dataset.last}", len(run.lines)
    section.holds(f"{name}: it is what its id and its dataset say", run.identity_problems)
    section.holds(f"{name}: the split is by month, record for record", run.split_problems, sum(map(len, run.dataset.splits.values())))
    section.holds(f"{name}: days, labels and baseline follow from the CSV", run.truth_problems, rows)
    section.holds(f"{name}: the candidate's scores are its artefact's", run.candidate_problems, rows)
    section.holds(f"{name}: the current scores are those of the version that served", run.current_problems, rows)
    given = run.verdict["figures"]
    section.holds(f"{name}: the gate measured what it must", run.figure_problems(given), len(given))
    for bound, (value, within) in run.bounds.items():
        section.near(f"{name}: {bound}, days drawn anew", value, given.get(bound), within)
    section.same(f"{name}: why the gate refused it", run.due(given), run.verdict["reasons"], "the gate")
    passed = not run.due(given)
    section.same(f"{name}: it passed", passed, run.verdict["passed"], "the gate")
    section.holds(f"{name}: gate.json says the same as the books", [] if run.verdict == run.stored_verdict else [f"it says passed: {run.stored_verdict['passed']}"])
    section.same(f"{name}: its end", "registered" if passed else "refused", run.row["state"], "books")


def _registered(section: Section, context: Context, runs: list[TrainingRun]) -> None:
    passed = {run.id: run for run in runs if not run.due(run.verdict["figures"])}
    versions = context.registry.versions
    makers = [version.says.get("training-run", "nobody") for version in versions]
    section.same("registered versions, in the order of the runs that passed", [run for run in passed], makers, "registry")
    known = [(version, passed[maker]) for version, maker in zip(versions, makers) if maker in passed]
    section.holds("each says what it was made of", (text for version, run in known for text in _lineage(version, run)), len(known))
    section.holds("each is kept, byte for byte, where runs write nothing and nothing expires", (text for version, run in known for text in _kept(context, version, run)), len(known))
    section.holds("each has a card with owner and figures", (text for version, run in known for text in _card(context, version, run)), len(known))


def _lineage(version: Version, run: TrainingRun) -> Iterator[str]:
    parameters = json.dumps(dict(sorted(run.plan["parameters"].items())), separators=(",", ":"), ensure_ascii=False)
    container = version.described["InferenceSpecification"]["Containers"][0]
    image = run.job["AlgorithmSpecification"]["TrainingImage"]
    place = _place(run)
    evaluation, code = f"{place}/evaluation.json", f"{place}/code.tar.gz"
    digest = image.rpartition("@")[2]
    values = (run.dataset.id, run.plan["codeRevision"], digest, hashlib.sha256(parameters.encode()).hexdigest(), run.id, evaluation, code)
    if version.says != dict(zip(ROLES, values)):
        yield f"{version.arn} says {version.says}"
    if not digest.startswith("sha256:") or container["Image"] != image:
        yield f"{version.arn} serves {container['Image']}, {image} trained it: both must name the same digest"
    if container["ModelDataUrl"] != f"{place}/model.tar.gz" or run.row.get("packageArn") != version.arn:
        yield f"{version.arn} is not the candidate of run {run.id[:12]}"
    if version.described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] != evaluation:
        yield f"{version.arn} names another evaluation"


def _place(run: TrainingRun) -> str:
    """Where what a version names is kept, by the run that made it."""
    bucket = run.plan["uris"]["candidate"].split("/")[2]
    return f"s3://{bucket}/versions/{MODEL}/{run.id}/{run.plan['attempt']}"


def _kept(context: Context, version: Version, run: TrainingRun) -> Iterator[str]:
    uris, place = run.plan["uris"], _place(run)
    origins = {
        "model.tar.gz": uris["candidate"],
        "code.tar.gz": uris["code"],
        "evaluation.json": f"{uris['evaluation']}/evaluation.json",
        "predictions.csv.gz": f"{uris['evaluation']}/predictions.csv.gz",
        "gate.json": f"{uris['gate']}/gate.json",
    }
    others = [name for name, origin in origins.items() if fetched(context.account, f"{place}/{name}") != fetched(context.account, origin)]
    yield from (f"{name} of {version.arn} is not what its run made" for name in others)
    written = sorted(uri for uri in uris.values() if "/versions/" in uri)
    yield from (f"the run of {version.arn} writes to {uri}" for uri in written)


def _card(context: Context, version: Version, run: TrainingRun) -> Iterator[str]:
    card = version.card
    config = context.report["config"]
    address = contact(config, owner(config, "models")[0])
    if card["model_overview"]["model_creator"] != address:
        yield f"the card of {version.arn} names {card['model_overview']['model_creator']}, not {address}"
    groups = [group for details in card["evaluation_details"] for group in details["metric_groups"]]
    figures = {metric["name"]: metric["value"] for group in groups for metric in group["metric_data"]}
    if figures != run.verdict["figures"]:
        yield f"the card of {version.arn} has other figures"
