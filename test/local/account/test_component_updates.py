"""Updates of inference components and of the endpoint under them: copies are replaced in batches, under watch, and the old ones serve when it fails. [R3, L3]"""
from __future__ import annotations

from typing import Any, Iterator

import pytest
from botocore.exceptions import ClientError
from component_account import PER_INSTANCE, SMALL, ComponentAccount
from sagemaker_account import Traffic, until


@pytest.fixture(scope="module")
def account(account_url: str) -> ComponentAccount:
    return ComponentAccount(account_url)


@pytest.fixture(autouse=True)
def no_faults(account: ComponentAccount) -> Iterator[None]:
    yield
    account.faults("DELETE")


class Update:
    """A component <name>-old of two models, on an endpoint of its own."""

    def __init__(self, account: ComponentAccount, name: str, copies: int = 4, compute: dict | None = None, most: int = 2, **program: str) -> None:
        self.account, self.name, self.compute = account, name, compute or SMALL
        account.hosts(name, most=most)
        account.model(f"{name}-old", "old")
        self.artifact = account.model(f"{name}-new", "new", **program)
        account.create_component(name, name, copies, self.compute, model=f"{name}-old")
        account.component_settled(name)

    def start(self, model: str = "new", **more: Any) -> None:
        specification = {"ModelName": f"{self.name}-{model}", "ComputeResourceRequirements": self.compute}
        self.account.sagemaker.update_inference_component(InferenceComponentName=self.name, Specification=specification, **more)

    def settled(self) -> dict:
        return self.account.component_settled(self.name, 60)

    def answer(self) -> str:
        return self.account.ask(self.name, self.name)["weight"]

    def served(self, times: int = 8) -> set[str]:
        return {self.answer() for _ in range(times)}


def rolling(kind: str, value: int, wait: int = 300, alarms: tuple[str, ...] = ()) -> dict:
    policy = {"MaximumBatchSize": {"Type": kind, "Value": value}, "WaitIntervalInSeconds": wait}
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return {"RollingUpdatePolicy": policy, **watched}


def test_copies_are_replaced_in_batches_and_every_request_is_answered(account: ComponentAccount) -> None:
    """[row 97]"""
    update = Update(account, "rolled")
    with Traffic(update.answer) as traffic:
        update.start(DeploymentConfig=rolling("COPY_COUNT", 2))
        until(lambda: update.served(16) == {"old", "new"})
        assert account.describe_component("rolled")["InferenceComponentStatus"] == "Updating"
        found = update.settled()
    assert (found["InferenceComponentStatus"], found["RuntimeConfig"]) == ("InService", {"DesiredCopyCount": 4, "CurrentCopyCount": 4})
    assert found["LastDeploymentConfig"]["RollingUpdatePolicy"]["MaximumBatchSize"] == {"Type": "COPY_COUNT", "Value": 2}
    assert update.served() == {"new"} and "FailureReason" not in found
    assert traffic.errors == [] and traffic.answers[-1] == "new"


def test_an_alarm_during_the_bake_brings_the_old_copies_back(account: ComponentAccount) -> None:
    """[row 97]"""
    update = Update(account, "tripped")
    account.cloudwatch.put_metric_alarm(
        AlarmName="tripped-latency", Namespace="AWS/SageMaker", MetricName="ModelLatency", Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=300_000,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", Dimensions=[{"Name": "InferenceComponentName", "Value": "tripped"}],
    )  # fmt: skip
    assert account.faults("PUT", {"models": [{"artifact": update.artifact, "latencyMs": 400}]})[0] == 200
    with Traffic(update.answer):
        update.start(DeploymentConfig=rolling("CAPACITY_PERCENT", 50, wait=600, alarms=("tripped-latency",)))
        found = update.settled()
    assert "the alarm tripped-latency is in ALARM" in found["FailureReason"]
    assert (found["Specification"]["ModelName"], found["RuntimeConfig"]["CurrentCopyCount"]) == ("tripped-old", 4)
    assert update.served() == {"old"}


@pytest.mark.parametrize(("config", "message"), [
    (rolling("COPY_COUNT", 3), "5-50 % of the component's 4 copies, got 3"),
    (rolling("CAPACITY_PERCENT", 51), "5-50 %"),
    (rolling("COPY_COUNT", 1, alarms=("nope",)), "alarms that do not exist: nope"),
])  # fmt: skip
def test_a_rollout_that_aws_refuses_is_refused(account: ComponentAccount, config: dict, message: str) -> None:
    """[row 97]"""
    if "limits" not in account.components():
        Update(account, "limits")
    with pytest.raises(ClientError, match=message):
        account.sagemaker.update_inference_component(InferenceComponentName="limits", Specification={"ModelName": "limits-new", "ComputeResourceRequirements": SMALL}, DeploymentConfig=config)


def test_all_at_once_needs_room_for_all_copies_and_leaves_the_old_ones_without_it(account: ComponentAccount) -> None:
    """[row 97]"""
    update = Update(account, "stalled", copies=1, compute=PER_INSTANCE, most=1)
    update.start()
    with pytest.raises(ClientError, match="Cannot update in-progress inference component"):
        update.start()
    found = update.settled()
    assert "no room for another copy of stalled" in found["FailureReason"]
    assert update.served() == {"old"}


def test_an_update_keeps_the_number_of_copies_unless_it_states_one(account: ComponentAccount) -> None:
    """[row 94]"""
    update = Update(account, "counted", copies=1)
    account.scale("counted", 3)
    update.start()
    assert (update.settled()["RuntimeConfig"]["DesiredCopyCount"], update.served()) == (3, {"new"})
    update.start("old", RuntimeConfig={"CopyCount": 1})
    assert (update.settled()["RuntimeConfig"]["DesiredCopyCount"], update.served()) == (1, {"old"})


def test_another_configuration_of_the_endpoint_takes_its_components_along(account: ComponentAccount) -> None:
    update = Update(account, "moved", copies=2)
    account.host_config("moved-larger", InstanceType="ml.m5.xlarge")
    with Traffic(update.answer) as traffic:
        account.sagemaker.update_endpoint(EndpointName="moved", EndpointConfigName="moved-larger")
        found = account.settled("moved")
    assert (found["EndpointConfigName"], traffic.errors) == ("moved-larger", [])
    assert account.describe_component("moved")["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
    assert update.served() == {"old"}
    account.config_of("moved-single", "moved-old")
    with pytest.raises(ClientError, match="needs a variant AllTraffic without ModelName"):
        account.sagemaker.update_endpoint(EndpointName="moved", EndpointConfigName="moved-single")


def test_instances_without_room_for_the_components_fail_the_endpoint_s_update_and_nothing_changes(account: ComponentAccount) -> None:
    update = Update(account, "cramped", copies=1, compute={"MinMemoryRequiredInMb": 6000})
    account.host_config("cramped-smaller", InstanceType="ml.c5.large")
    account.sagemaker.update_endpoint(EndpointName="cramped", EndpointConfigName="cramped-smaller")
    with pytest.raises(ClientError, match="while its endpoint is Updating"):
        account.sagemaker.delete_inference_component(InferenceComponentName="cramped")
    found = account.settled("cramped", 60)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "cramped")
    assert "no room for another copy of cramped, which needs 0 accelerators, 6000 MiB" in found["FailureReason"]
    assert update.served() == {"old"}
