"""The operations of training, processing and transform jobs, registered with the control plane."""
from __future__ import annotations

from typing import Any, Callable

from botocore.utils import parse_timestamp

from ...service_models import ApiError
from . import jobs, processing_jobs, training_jobs, transform_jobs
from .. import control_plane


def register_all() -> None:
    """Adds the operations; folders that a killed account left behind are removed."""
    jobs.remove_folders()
    control_plane.register(
        {
            "CreateTrainingJob": _create(training_jobs.TrainingJob, training_jobs.refuse, "Training job names", "a training job"),
            "CreateProcessingJob": _create(processing_jobs.ProcessingJob, processing_jobs.refuse, "Job name", "a job"),
            "CreateTransformJob": _create(transform_jobs.TransformJob, transform_jobs.refuse, "Job name", "a job"),
            **{f"Describe{kind}": _describe(kind) for kind in jobs.JOBS},
            **{f"Stop{kind}": _stop(kind) for kind in jobs.JOBS},
            **{f"List{kind}s": _list(kind) for kind in jobs.JOBS},
        }
    )


def find(kind: str, name: str) -> jobs.Job:
    """A job by its name. Raises ApiError."""
    with jobs.LOCK:
        job = jobs.JOBS[kind].get(name.lower())
    if job is None:
        text = "Requested resource not found." if kind == "TrainingJob" else f"Could not find requested job with name: {name}"
        raise ApiError("ValidationException", text)
    return job


def _create(make: Callable[[dict[str, Any]], jobs.Job], refuse: Callable[[dict[str, Any]], None], names: str, one: str) -> control_plane.Action:
    def create(values: dict[str, Any]) -> dict[str, Any]:
        refuse(values)
        job = make(values)
        with jobs.LOCK:
            if job.name.lower() in jobs.JOBS[job.kind]:
                raise ApiError("ResourceInUse", f"{names} must be unique within an AWS account and region, and {one} with this name already exists ({job.arn})")
            jobs.JOBS[job.kind][job.name.lower()] = job
        control_plane.TAGS[job.arn] = values.get("Tags", [])
        job.start()
        return {f"{job.kind}Arn": job.arn}

    return create


def _describe(kind: str) -> control_plane.Action:
    return lambda values: find(kind, values[f"{kind}Name"]).describe()


def _stop(kind: str) -> control_plane.Action:
    def stop(values: dict[str, Any]) -> dict[str, Any]:
        job = find(kind, values[f"{kind}Name"])
        with jobs.LOCK:
            if job.status not in ("InProgress", "Stopping"):
                noun = kind.replace("Job", " job").lower()
                raise ApiError("ValidationException", f"The request was rejected because the {noun} is in status {job.status}.")
            if job.status == "InProgress":
                job.stop()
        return {}

    return stop


def _list(kind: str) -> control_plane.Action:
    def matches(record: dict[str, Any], values: dict[str, Any]) -> bool:
        changed = record["LastModifiedTime"]
        after, before = values.get("LastModifiedTimeAfter"), values.get("LastModifiedTimeBefore")
        in_time = (after is None or changed > parse_timestamp(after)) and (before is None or changed < parse_timestamp(before))
        return in_time and values.get("StatusEquals", record[f"{kind}Status"]) == record[f"{kind}Status"]

    def list_jobs(values: dict[str, Any]) -> dict[str, Any]:
        with jobs.LOCK:
            records = [job.describe() for job in jobs.JOBS[kind].values()]
        found = [record for record in records if matches(record, values)]
        if values.get("SortBy") == "Status":
            found.sort(key=lambda record: record[f"{kind}Status"])
        return control_plane.page(found, {"SortOrder": "Descending", **values}, f"{kind}Arn", f"{kind}Summaries")

    return list_jobs
