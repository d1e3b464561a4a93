"""Transform jobs: the model's container is started, gets the records of every object below a prefix, and its answers are written beside them.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html. An object of which anything fails has no output, and then the job has
failed; the others are written (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformOutput.html).
"""
from __future__ import annotations

import datetime
import gzip
import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ... import aws
from ...service_models import ApiError
from . import jobs
from .. import control_plane
from ..instance import CannotStart, Instance
from .job_channels import keys, location, relative
from .transform_records import Refused, combined, filtered, payloads

DEFAULT_PAYLOAD_MB, DEFAULT_TIMEOUT_SECONDS, DEFAULT_RETRIES = 6, 600, 3
MOST_PAYLOAD_MB = 100
SPLITS = ("None", "Line")
START_SECONDS = 600.0
"""Platform seconds until the container must answer pings. Our model: AWS publishes no figure for jobs."""


class TransformJob(jobs.Job):
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html"""

    kind, path, end_time = "TransformJob", "transform-job", "TransformEndTime"

    def __init__(self, values: dict[str, Any]) -> None:
        # What it serves is fixed now: the model may be deleted while it runs.
        self._container = control_plane.find("Model", values["ModelName"])["_containers"][0]
        self._instance: Instance | None = None
        super().__init__(values, {})

    def stop(self) -> None:
        """A request that runs ends with its container, so that nobody waits for it."""
        super().stop()
        if self._instance is not None:
            threading.Thread(target=self._instance.stop, daemon=True).start()

    def work(self, root: Path) -> str:
        jobs.refuse_copies(self.record["TransformResources"])
        split = self.record["TransformInput"].get("SplitType", "None")
        if split not in SPLITS:
            raise CannotStart(f"records of {split} cannot be read in the local account: it has {', '.join(SPLITS)}")
        uri = self.record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = location(uri)
        found = keys(bucket, prefix)
        if not found:
            raise CannotStart(f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source')
        own = {**self._container.get("Environment", {}), **self.record.get("Environment", {})}
        instance = self._instance = Instance(self.name, "transform", {**self._container, "Environment": own}, self.record["TransformResources"]["InstanceType"])
        try:
            instance.prepare()
            instance.start()
            instance.wait_healthy(START_SECONDS)
            self.note(TransformStartTime=datetime.datetime.now(datetime.timezone.utc))
            return self._transform_all(instance, bucket, prefix, found)
        finally:
            instance.remove()

    def _transform_all(self, instance: Instance, bucket: str, prefix: str, found: list[str]) -> str:
        failures = []
        target, folder = location(self.record["TransformOutput"]["S3OutputPath"])
        for key in found:
            try:
                output = self._transform(instance, aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
            except Refused as error:
                failures.append(f"{key}: {error}")
                continue
            if self._stop.is_set():
                return jobs.STOPPED
            name = "/".join(part for part in (folder.rstrip("/"), f"{relative(key, prefix)}.out") if part)
            aws.client("s3").put_object(Bucket=target, Key=name, Body=output)
        if failures:
            raise jobs.Failed(f"ClientError: {len(failures)} of {len(found)} objects failed: {'; '.join(failures)}")
        return jobs.ENDED

    def _transform(self, instance: Instance, body: bytes) -> bytes:
        """The output of one object. Raises Refused."""
        source, target = self.record["TransformInput"], self.record["TransformOutput"]
        processing = self.record.get("DataProcessing", {})
        input_type, output_type = source.get("ContentType", "application/octet-stream"), target.get("Accept", source.get("ContentType", "*/*"))
        if source.get("CompressionType") == "Gzip":
            body = gzip.decompress(body)
        most = self.record.get("MaxPayloadInMB") or DEFAULT_PAYLOAD_MB
        requests = payloads(body, source.get("SplitType", "None"), self.record.get("BatchStrategy"), most)

        def answered(records: list[bytes]) -> list[bytes]:
            sent = b"\n".join(filtered(record, processing.get("InputFilter", "$"), input_type) for record in records)
            return combined(records, self._ask(instance, sent, input_type, output_type), processing, input_type, output_type)

        with ThreadPoolExecutor(max_workers=self.record.get("MaxConcurrentTransforms") or 1) as pool:
            parts = [part for parts in pool.map(answered, requests) for part in parts]
        if target.get("AssembleWith", "None") == "Line":
            return b"".join(part.rstrip(b"\n") + b"\n" for part in parts)
        return b"".join(parts)

    def _ask(self, instance: Instance, body: bytes, input_type: str, output_type: str) -> bytes:
        """One request, sent again while the container gives no answer or 5xx. Raises Refused."""
        client = self.record.get("ModelClientConfig", {})
        reason = ""
        for _ in range(client.get("InvocationsMaxRetries", DEFAULT_RETRIES) + 1):
            if self._stop.is_set():
                raise Refused("the job was stopped")
            seconds = client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS) / instance.pace
            connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=seconds)
            try:
                connection.request("POST", "/invocations", body, {"content-type": input_type, "accept": output_type})
                answer = connection.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException) as error:
                reason = f"the container gave no answer: {error}"
                continue
            finally:
                connection.close()
            if answer.status < 300:
                return data
            reason = f"the container answered {answer.status}: {data.decode('utf-8', 'replace')[:200]}"
            if answer.status < 500:
                break
        raise Refused(reason)


def refuse(values: dict[str, Any]) -> None:
    """What CreateTransformJob refuses beyond the model of the service. Raises ApiError."""
    if "ModelDataSource" in control_plane.find("Model", values["ModelName"])["_containers"][0]:
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        raise ApiError("ValidationException", "A model with a ModelDataSource cannot be used by batch transform.")
    payload, together = values.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB), values.get("MaxConcurrentTransforms") or 1
    if payload * together > MOST_PAYLOAD_MB:
        raise ApiError("ValidationException", f"MaxConcurrentTransforms * MaxPayloadInMB must not be greater than {MOST_PAYLOAD_MB}, got {together} * {payload}.")
    if values.get("BatchStrategy") and values["TransformInput"].get("SplitType", "None") == "None":
        raise ApiError("ValidationException", "BatchStrategy needs a SplitType other than None.")
