"""Adapters in the local account: components without copies of their own, loaded into those of their base by the container's adapter API. [S1, L3]"""
from __future__ import annotations

import datetime
import io
import json
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from component_account import SMALL, ComponentAccount
from sagemaker_account import ROLE, until

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130"
GPU = {"MinMemoryRequiredInMb": 4096, "NumberOfAcceleratorDevicesRequired": 1}


@pytest.fixture(scope="module")
def account(account_url: str) -> ComponentAccount:
    made = ComponentAccount(account_url)
    made.hosts("llm", least=1, most=2, InstanceType="ml.g6.2xlarge")
    base(made, "llm-base", {"OPTION_ENABLE_LORA": "true"})
    return made


def base(account: ComponentAccount, name: str, environment: dict[str, str]) -> None:
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B", **environment}})
    startup = {"ContainerStartupHealthCheckTimeoutInSeconds": 1800}
    account.create_component(name, "llm", **{"Specification": {"ModelName": name, "ComputeResourceRequirements": GPU, "StartupParameters": startup}})
    assert account.component_settled(name, 60)["InferenceComponentStatus"] == "InService"


def archive(account: ComponentAccount, name: str, config: bytes = b'{"r": 16}') -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("adapter_config.json")
        member.size = len(config)
        tar.addfile(member, io.BytesIO(config))
    account.s3.put_object(Bucket="artifacts", Key=f"{name}.tar.gz", Body=buffer.getvalue())
    return f"s3://artifacts/{name}.tar.gz"


def create(account: ComponentAccount, name: str, of: str = "llm-base", **more: Any) -> dict:
    specification = {"BaseInferenceComponentName": of, "Container": {"ArtifactUrl": f"s3://artifacts/{name}.tar.gz"}, **more.pop("Specification", {})}
    account.sagemaker.create_inference_component(InferenceComponentName=name, EndpointName="llm", VariantName="AllTraffic", Specification=specification, **more)
    return account.component_settled(name)


def model(account: ComponentAccount, component: str) -> str:
    return account.ask("llm", component, {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2})["model"].split(" ")[0]


def metric(account: ComponentAccount, name: str, component: str) -> float:
    now = datetime.datetime.now(datetime.timezone.utc)
    points = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName=name, Dimensions=[{"Name": "InferenceComponentName", "Value": component}], Statistics=["Sum"], Period=3600,
        StartTime=now - datetime.timedelta(hours=2), EndTime=now + datetime.timedelta(hours=1),
    )["Datapoints"]  # fmt: skip
    return sum(point["Sum"] for point in points)


def test_an_adapter_answers_by_its_name_in_every_copy_of_its_base_also_in_later_ones(account: ComponentAccount) -> None:
    archive(account, "tone")
    found = create(account, "tone")
    assert found["InferenceComponentStatus"] == "InService" and "RuntimeConfig" not in found
    assert (model(account, "tone"), model(account, "llm-base")) == ("tone", "Qwen3-8B")
    assert (metric(account, "Invocations", "tone"), metric(account, "Invocations", "llm-base")) == (1, 1)
    account.sagemaker.update_inference_component_runtime_config(InferenceComponentName="llm-base", DesiredRuntimeConfig={"CopyCount": 2})
    assert account.component_settled("llm-base", 60)["RuntimeConfig"]["CurrentCopyCount"] == 2
    assert [model(account, "tone") for _ in range(12)] == ["tone"] * 12
    account.scale("llm-base", 1)


def test_a_base_without_copies_has_no_capacity_for_its_adapters_and_their_own_metric_says_so(account: ComponentAccount) -> None:
    archive(account, "sleepy-tone")
    create(account, "sleepy-tone")
    account.scale("llm-base", 0)
    with pytest.raises(ClientError, match="has no capacity to process this request"):
        model(account, "sleepy-tone")
    assert metric(account, "NoCapacityInvocationFailures", "sleepy-tone") == 1
    account.sagemaker.update_inference_component_runtime_config(InferenceComponentName="llm-base", DesiredRuntimeConfig={"CopyCount": 1})
    account.component_settled("llm-base", 60)
    assert model(account, "sleepy-tone") == "sleepy-tone"


def test_a_base_goes_after_its_adapters_only(account: ComponentAccount) -> None:
    """[row 95]"""
    archive(account, "leaving")
    create(account, "leaving")
    with pytest.raises(ClientError, match="Cannot delete inference component llm-base while it has the adapters .*leaving"):
        account.sagemaker.delete_inference_component(InferenceComponentName="llm-base")
    account.delete_component("leaving")
    with pytest.raises(ClientError, match="leaving of endpoint llm not found"):
        model(account, "leaving")


def test_an_archive_without_an_adapter_makes_it_failed_and_an_update_that_fails_keeps_the_old_one(account: ComponentAccount) -> None:
    archive(account, "bad", b"no JSON")
    found = create(account, "bad")
    assert found["InferenceComponentStatus"] == "Failed" and "adapter_config.json" in found["FailureReason"]
    archive(account, "good")
    create(account, "good")
    account.sagemaker.update_inference_component(InferenceComponentName="good", Specification={"BaseInferenceComponentName": "llm-base", "Container": {"ArtifactUrl": "s3://artifacts/bad.tar.gz"}})
    found = account.component_settled("good")
    assert (found["InferenceComponentStatus"], found["Specification"]["Container"]["ArtifactUrl"]) == ("InService", "s3://artifacts/good.tar.gz")
    assert "adapter_config.json" in found["FailureReason"] and model(account, "good") == "good"


@pytest.mark.parametrize(("change", "message"), [
    ({"Specification": {"ComputeResourceRequirements": SMALL}}, "leave out ComputeResourceRequirements"),
    ({"RuntimeConfig": {"CopyCount": 1}}, "leave out RuntimeConfig"),
    ({"Specification": {"Container": {"Image": IMAGE}}}, "must have an ArtifactUrl"),
    ({"Specification": {"BaseInferenceComponentName": "nope"}}, "Could not find inference component"),
])  # fmt: skip
def test_an_adapter_that_aws_refuses_is_refused(account: ComponentAccount, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        create(account, "refused", **change)


def test_a_restarted_container_gets_its_adapters_again(account: ComponentAccount, account_url: str) -> None:
    archive(account, "again")
    create(account, "again")
    state = json.loads((Path(os.environ["ACCOUNT_STATE_DIR"]) / "endpoints.json").read_text())["llm"]["variants"]["AllTraffic"]
    for copy in state:
        os.kill(copy["pid"], signal.SIGKILL)

    def answers() -> bool:
        try:
            return model(account, "again") == "again"
        except ClientError:
            return False

    until(lambda: not answers())
    until(answers, 60)
