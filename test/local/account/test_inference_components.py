"""Inference components of the local account: copies are processes, placed on instances by what they need. [L3, S1]"""
from __future__ import annotations

import datetime
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from component_account import PER_INSTANCE, SMALL, ComponentAccount
from conftest import FACTOR
from sagemaker_account import PROGRAM, ROLE, until

from account.sagemaker.fleet import RESTART_AFTER_SECONDS

NO_CAPACITY = "Inference Component has no capacity to process this request"


@pytest.fixture(scope="module")
def account(account_url: str) -> ComponentAccount:
    return ComponentAccount(account_url)


def test_two_models_share_an_instance_and_each_is_called_by_its_name(account: ComponentAccount) -> None:
    account.hosts("shared")
    for name in ("shared-a", "shared-b"):
        assert account.component(name, "shared", weight=name)["InferenceComponentStatus"] == "InService"
    assert [account.ask("shared", name)["weight"] for name in ("shared-a", "shared-b")] == ["shared-a", "shared-b"]
    assert account.instances("shared") == 1
    assert account.components(EndpointNameEquals="shared") == ["shared-a", "shared-b"]
    found = account.describe_component("shared-a")
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}
    assert found["Specification"]["ComputeResourceRequirements"] == SMALL
    assert found["InferenceComponentArn"].endswith(":inference-component/shared-a")


def test_a_stream_of_a_component_arrives_in_parts(account: ComponentAccount) -> None:
    account.hosts("streams")
    program = "def model_fn(d): return 0\ndef input_fn(b, t): return b\ndef predict_fn(d, m):\n    for i in range(3): yield f'token{i} '\n"
    account.component("streamer", "streams", program=program)
    call = account.client("sagemaker-runtime").invoke_endpoint_with_response_stream
    parts = [event["PayloadPart"]["Bytes"] for event in call(EndpointName="streams", InferenceComponentName="streamer", Body=b"1")["Body"]]
    assert b"".join(parts) == b"token0 token1 token2 "


def test_a_call_without_the_component_s_name_and_one_with_it_on_another_endpoint_fail(account: ComponentAccount) -> None:
    account.hosts("named")
    account.component("named-a", "named")
    account.config("no-host", count=1)
    account.endpoint("no-host", "no-host")
    with pytest.raises(ClientError, match="ValidationError.*Inference Component Name header is required"):
        account.invoke("named")
    with pytest.raises(ClientError, match="header is not allowed"):
        account.ask("no-host", "named-a")
    with pytest.raises(ClientError, match="nope of endpoint named not found"):
        account.ask("named", "nope")


def test_copies_that_find_no_room_bring_an_instance_and_idle_instances_go_after_ten_minutes(account: ComponentAccount) -> None:
    account.hosts("elastic", least=1, most=3)
    account.component("elastic-a", "elastic", compute=PER_INSTANCE)
    assert account.scale("elastic-a", 3)["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 3}
    assert account.instances("elastic") == 3
    account.scale("elastic-a", 1)
    assert account.instances("elastic") == 3, "an instance stays for ten minutes after its last copy"
    until(lambda: account.instances("elastic") == 1)
    assert account.ask("elastic", "elastic-a")["answer"] == 1


def test_an_added_instance_takes_its_time_and_serves_when_it_is_there(account: ComponentAccount) -> None:
    account.hosts("slowly", least=1, most=2)
    account.component("slow", "slowly", compute=PER_INSTANCE)
    account.sagemaker.update_inference_component_runtime_config(InferenceComponentName="slow", DesiredRuntimeConfig={"CopyCount": 2})
    (variant,) = account.describe("slowly")["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 2)
    assert account.describe_component("slow")["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 1}
    account.component_settled("slow")
    assert account.instances("slowly") == 2


def test_a_copy_that_takes_long_to_start_is_not_started_again_meanwhile(account: ComponentAccount) -> None:
    account.hosts("heavy")
    found = account.component("heavy-a", "heavy", program=PROGRAM.replace("(model_dir): return", "(model_dir): __import__('time').sleep(6); return"))
    assert found["InferenceComponentStatus"] == "InService"
    (copy,) = json.loads((Path(os.environ["ACCOUNT_STATE_DIR"]) / "endpoints.json").read_text(encoding="utf-8"))["heavy"]["variants"]["AllTraffic"]
    assert copy["starts"] == 1, f"6 s are {6 * FACTOR} platform seconds, after {RESTART_AFTER_SECONDS} of which a container that served is started again"


def test_at_no_copies_calls_fail_with_400_and_are_counted_until_a_copy_is_back(account: ComponentAccount) -> None:
    """[row 102]"""
    account.hosts("sleeper", least=0, most=1)
    account.component("asleep", "sleeper")
    account.scale("asleep", 0)
    until(lambda: account.instances("sleeper") == 0)
    for _ in range(2):
        with pytest.raises(ClientError, match=NO_CAPACITY) as refused:
            account.ask("sleeper", "asleep")
        assert (refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationError", 400)
    assert metric(account, "NoCapacityInvocationFailures", "asleep", "Sum") == 2
    account.scale("asleep", 1)
    assert (account.ask("sleeper", "asleep")["answer"], account.instances("sleeper")) == (1, 1)


def test_a_scale_out_without_room_ends_with_the_copies_that_fit_and_says_why(account: ComponentAccount) -> None:
    account.hosts("crowded", least=1, most=2)
    account.component("crowd", "crowded", compute=PER_INSTANCE)
    found = account.scale("crowd", 3)
    assert (found["InferenceComponentStatus"], found["RuntimeConfig"]) == ("InService", {"DesiredCopyCount": 2, "CurrentCopyCount": 2})
    assert "2 of at most 2 x ml.m5.large" in found["FailureReason"]


def test_a_component_that_does_not_fit_stays_in_creating_and_cannot_be_deleted_until_another_makes_room(account: ComponentAccount) -> None:
    """[row 93, row 95]"""
    account.hosts("full", least=1, most=1)
    account.component("first", "full", compute=PER_INSTANCE)
    account.model("second")
    account.create_component("second", "full", compute=PER_INSTANCE)
    assert account.describe_component("second")["InferenceComponentStatus"] == "Creating"
    with pytest.raises(ClientError, match="Cannot delete in-progress inference component"):
        account.sagemaker.delete_inference_component(InferenceComponentName="second")
    account.delete_component("first")
    assert account.component_settled("second")["InferenceComponentStatus"] == "InService"


def test_a_copy_with_accelerators_needs_a_type_with_them(account: ComponentAccount) -> None:
    account.hosts("gpus", most=1, InstanceType="ml.g6.2xlarge")
    account.component("gpu-a", "gpus", compute={"MinMemoryRequiredInMb": 128, "NumberOfAcceleratorDevicesRequired": 1})
    assert account.scale("gpu-a", 2)["RuntimeConfig"]["CurrentCopyCount"] == 1


def test_a_container_that_does_not_start_makes_its_component_failed(account: ComponentAccount) -> None:
    account.hosts("broken")
    found = account.component("broken-a", "broken", program="raise RuntimeError('no such weights')")
    assert found["InferenceComponentStatus"] == "Failed" and "no such weights" in found["FailureReason"]
    assert found["RuntimeConfig"]["CurrentCopyCount"] == 0
    account.delete_component("broken-a")


def test_an_endpoint_with_components_cannot_be_deleted(account: ComponentAccount) -> None:
    """[row 95]"""
    account.hosts("parent")
    account.component("child", "parent")
    with pytest.raises(ClientError, match="Cannot delete endpoint with inference component associated"):
        account.sagemaker.delete_endpoint(EndpointName="parent")
    account.delete_component("child")
    account.sagemaker.delete_endpoint(EndpointName="parent")


@pytest.mark.parametrize(("change", "message"), [
    ({"RuntimeConfig": {"CopyCount": 0}}, "copy count an integer larger than 0"),
    ({"Specification": {"ModelName": "checked"}}, "ComputeResourceRequirements with MinMemoryRequiredInMb"),
    ({"Specification": {"ModelName": "checked", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 64}}}, "128"),
    ({"Specification": {"ComputeResourceRequirements": SMALL}}, "Exactly one of ModelName and Container"),
    ({"Specification": {"ModelName": "checked", "ComputeResourceRequirements": {**SMALL, "MaxMemoryRequiredInMb": 512}}}, "MaxMemoryRequiredInMb must not be below"),
    ({"VariantName": "Other"}, 'Could not find variant "Other"'),
    ({"EndpointName": "nope"}, "Could not find endpoint"),
])  # fmt: skip
def test_a_component_that_aws_refuses_is_refused(account: ComponentAccount, change: dict[str, Any], message: str) -> None:
    """[row 91, row 92]"""
    if "checks" not in [endpoint["EndpointName"] for endpoint in account.sagemaker.list_endpoints()["Endpoints"]]:
        account.hosts("checks")
        account.model("checked")
    good = {"EndpointName": "checks", "VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}, "Specification": {"ModelName": "checked", "ComputeResourceRequirements": SMALL}}
    with pytest.raises((ClientError, ParamValidationError), match=message):
        account.sagemaker.create_inference_component(InferenceComponentName="refused", **{**good, **change})


def test_an_endpoint_with_a_model_takes_no_components(account: ComponentAccount) -> None:
    """[row 87]"""
    account.config("single")
    account.endpoint("single", "single")
    with pytest.raises(ClientError, match="Inference Components are not supported in this Endpoint"):
        account.create_component("single", "single")


@pytest.mark.parametrize(("variant", "more", "message"), [
    ({}, {}, "ExecutionRoleArn is required"),
    ({"ModelName": "configured", "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}}, {}, "ManagedInstanceScaling is only supported for inference component endpoints"),
    ({"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 3, "MaxInstanceCount": 2}}, {"ExecutionRoleArn": ROLE}, "not below its MinInstanceCount"),
    ({"InstancePools": [{"InstanceType": "ml.m5.large", "Priority": 1}]}, {"ExecutionRoleArn": ROLE}, "needs one of InstanceType, InstancePools and ServerlessConfig, got InstanceType, InstancePools"),
])  # fmt: skip
def test_an_endpoint_configuration_that_aws_refuses_is_refused(account: ComponentAccount, variant: dict, more: dict, message: str) -> None:
    """[row 88, row 89]"""
    if not account.has_model("configured"):
        account.model("configured")
    with pytest.raises(ClientError, match=message):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **variant}], **more
        )


def test_metrics_carry_the_component_s_name_alone(account: ComponentAccount) -> None:
    account.hosts("metered")
    account.component("meter", "metered", copies=2)
    account.ask("metered", "meter")
    with pytest.raises(ClientError, match="ModelError"):
        account.ask("metered", "meter", "fail")
    assert [metric(account, name, "meter", "Sum") for name in ("Invocations", "InvocationsPerCopy", "Invocation5XXErrors", "Invocation4XXErrors")] == [2, 1, 1, 0]
    assert metric(account, "ModelLatency", "meter", "Average") > 0
    until(lambda: metric(account, "ConcurrentRequestsPerCopy", "meter", "Maximum") == 0.5)  # one request at a time on two copies, however short
    until(lambda: metric(account, "ConcurrentRequestsPerCopy", "meter", "Minimum") == 0)
    found = account.cloudwatch.list_metrics(Namespace="AWS/SageMaker", MetricName="Invocations", Dimensions=[{"Name": "EndpointName", "Value": "metered"}])["Metrics"]
    assert found == []


def test_requests_in_work_are_published_by_copy(account: ComponentAccount) -> None:
    account.hosts("busy", RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"})
    program = "import time\ndef model_fn(d): return 0\ndef input_fn(b, t): return b\ndef predict_fn(d, m):\n    time.sleep(1)\n    return 1\n"
    account.component("worker", "busy", copies=2, program=program)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: account.ask("busy", "worker"), range(4)))
    assert metric(account, "ConcurrentRequestsPerCopy", "worker", "Maximum") == 2
    assert metric(account, "ModelLatency", "worker", "Maximum") < 1.9e6, "the fewest outstanding requests: two for each copy, side by side"


def metric(account: ComponentAccount, name: str, component: str, statistic: str) -> float:
    now = datetime.datetime.now(datetime.timezone.utc)
    points = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName=name, Dimensions=[{"Name": "InferenceComponentName", "Value": component}], Statistics=[statistic], Period=3600,
        StartTime=now - datetime.timedelta(hours=2), EndTime=now + datetime.timedelta(hours=1),
    )["Datapoints"]  # fmt: skip
    values = [point[statistic] for point in points]
    return sum(values) if statistic in ("Sum", "SampleCount") else (min if statistic == "Minimum" else max)(values, default=0)
