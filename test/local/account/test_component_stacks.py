"""Stacks with inference components in the local account: what our constructs synthesize is deployed, called, scaled, updated and deleted. [S1, L3]"""
from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from component_account import SMALL, ComponentAccount
from conftest import FACTOR, ROOT
from sagemaker_account import IMAGE, ROLE, resource, until

from account import readback


PLATFORM_MINUTE = 60 / FACTOR
"""Real seconds."""


@pytest.fixture(scope="module")
def account(account_url: str) -> ComponentAccount:
    return ComponentAccount(account_url)


STACKS: dict[str, dict[str, Any]] = {
    "built-1": {"name": "built", "minCopies": 1},
    "built-2": {"name": "built", "minCopies": 1},
    "sleepy-1": {"name": "sleepy"},
    "together-1": {"name": "together", "minCopies": 1, "minInstances": 1, "memoryGib": 3, "consolidateAfter": 5},
    "scarce-1": {"name": "scarce", "minCopies": 1, "minInstances": 1, "fallback": True},
    "renamed-1": {"name": "renamed", "minCopies": 1},
    "renamed-2": {"name": "renamed", "minCopies": 1, "componentName": "renamed-other"},
}
"""Options of programs/component-stack.ts, by the name of the model's archive."""


@pytest.fixture(scope="module")
def templates() -> dict[str, str]:
    """The templates that our constructs give."""
    common = {"minCopies": 0, "maxCopies": 2, "minInstances": 0, "maxInstances": 2}
    options = [{**common, "key": f"{key}/model.tar.gz", **said} for key, said in STACKS.items()]
    program = ["node", "--import", "tsx", "test/local/account/programs/component-stack.ts", json.dumps(options)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(STACKS, map(json.dumps, json.loads(done.stdout))))


def outcome(account: ComponentAccount, name: str, deleted: bool = False) -> str:
    def status() -> str:
        stacks = account.client("cloudformation").list_stacks()["StackSummaries"]
        found = [stack["StackStatus"] for stack in stacks if stack["StackName"] == name]
        return found[-1] if found else "DELETE_COMPLETE"

    return until(lambda: not (now := status()).endswith("IN_PROGRESS") and (not deleted or now.startswith("DELETE")) and now, 60)


def deploy(account: ComponentAccount, name: str, template: str) -> str:
    cloudformation = account.client("cloudformation")
    try:
        cloudformation.describe_stacks(StackName=name)
    except ClientError:
        cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    else:
        cloudformation.update_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    return outcome(account, name)


def test_what_our_constructs_synthesize_is_deployed_called_scaled_updated_and_deleted_in_order(account: ComponentAccount, templates: dict[str, str]) -> None:
    """[row 94, row 95, row 99]"""
    for weight in ("1", "2"):
        account.artifact(f"built-{weight}", weight)
    assert deploy(account, "built", templates["built-1"]) == "CREATE_COMPLETE"
    report = readback.run(["built"])
    assert report["missing"] == [] and report["typesWithoutReader"] == [] and report["read"] > 15
    assert account.ask("built", "built-model")["weight"] == "1"
    (target,) = account.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=["inference-component/built-model"])["ScalableTargets"]
    assert (target["ScalableDimension"], target["MinCapacity"], target["MaxCapacity"]) == ("sagemaker:inference-component:DesiredCopyCount", 1, 2)
    account.scale("built-model", 2)
    assert deploy(account, "built", templates["built-2"]) == "UPDATE_COMPLETE"
    assert account.ask("built", "built-model")["weight"] == "2"
    assert account.describe_component("built-model")["RuntimeConfig"] == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}, "the template's CopyCount, whatever scaling had made of it"
    account.client("cloudformation").delete_stack(StackName="built")
    assert outcome(account, "built", deleted=True) == "DELETE_COMPLETE"
    assert account.components(EndpointNameEquals="built") == []
    with pytest.raises(ClientError, match="Could not find endpoint"):
        account.describe("built")


def stays_awake(account: ComponentAccount) -> bool:
    """Asks for three platform minutes without a rest, which keeps the component although its low alarm is still on from its rest. Whether that was shown:
    not when scaling still acted, in the first two, on what it had seen in the rest, nor when this machine itself made a pause in which it saw no request."""
    runtime, start = account.client("sagemaker-runtime"), time.monotonic()
    last, longest = start, 0.0
    while last < start + 3 * PLATFORM_MINUTE:
        try:
            runtime.invoke_endpoint(EndpointName="sleepy", InferenceComponentName="sleepy-model", ContentType="application/json", Body="1")
        except ClientError:
            assert last < start + 2 * PLATFORM_MINUTE or longest > PLATFORM_MINUTE / 2, "requests that go on keep it"
            return False
        time.sleep(0.05)
        before, last = last, time.monotonic()
        longest = max(longest, last - before)
    return True


def test_a_component_without_traffic_goes_to_zero_with_its_instances_and_the_first_request_wakes_it(account: ComponentAccount, templates: dict[str, str]) -> None:
    """[row 102, row 103]"""
    account.artifact("sleepy-1")
    assert deploy(account, "sleepy", templates["sleepy-1"]) == "CREATE_COMPLETE"
    copies = lambda: account.describe_component("sleepy-model")["RuntimeConfig"]["CurrentCopyCount"]  # noqa: E731
    until(lambda: copies() == 0, 60)
    until(lambda: account.instances("sleepy") == 0, 30)
    with pytest.raises(ClientError, match="has no capacity to process this request"):
        account.ask("sleepy", "sleepy-model")

    def woken() -> Any:
        try:
            return account.ask("sleepy", "sleepy-model")["weight"]
        except ClientError:
            return None

    assert (until(woken, 30), account.instances("sleepy")) == ("1", 1)
    until(lambda: until(woken, 30) and stays_awake(account), 60)
    causes = [one["Cause"] for one in account.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId="inference-component/sleepy-model")["ScalingActivities"]]
    assert any("sleepy-model-wake-up" in cause for cause in causes)


def test_a_new_name_is_a_new_component_in_our_constructs(account: ComponentAccount, templates: dict[str, str]) -> None:
    """[row 96]"""
    account.artifact("renamed-1")
    account.artifact("renamed-2")
    assert deploy(account, "renamed", templates["renamed-1"]) == "CREATE_COMPLETE"
    assert deploy(account, "renamed", templates["renamed-2"]) == "UPDATE_COMPLETE"
    assert account.components(EndpointNameEquals="renamed") == ["renamed-other"]


def raw(name: str, component: str, copies: int = 1, model: str = "raw-model", **more: Any) -> str:
    """A component without our constructs, under one logical id."""
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    return json.dumps({"Resources": {
        "Config": resource("AWS::SageMaker::EndpointConfig", ExecutionRoleArn=ROLE, ProductionVariants=[variant]),
        "Endpoint": resource("AWS::SageMaker::Endpoint", EndpointName=name, EndpointConfigName={"Fn::GetAtt": ["Config", "EndpointConfigName"]}),
        "Component": {**resource("AWS::SageMaker::InferenceComponent", **{
            "InferenceComponentName": component, "EndpointName": name, "VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": copies},
            "Specification": {"ModelName": model, "ComputeResourceRequirements": SMALL}, **more,
        }), "DependsOn": "Endpoint"},
    }, "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Component", "InferenceComponentArn"]}}, "Ref": {"Value": {"Ref": "Component"}}}})  # fmt: skip


def reasons(account: ComponentAccount, name: str) -> str:
    events = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"].endswith("_FAILED"))


def test_the_same_logical_id_cannot_take_another_name_nor_another_variant(account: ComponentAccount) -> None:
    """[row 96]"""
    account.model("raw-model")
    assert deploy(account, "fixed", raw("fixed", "fixed-a")) == "CREATE_COMPLETE"
    outputs = account.client("cloudformation").describe_stacks(StackName="fixed")["Stacks"][0]["Outputs"]
    assert {output["OutputValue"] for output in outputs} == {"arn:aws:sagemaker:us-east-1:000000000000:inference-component/fixed-a"}
    assert deploy(account, "fixed", raw("fixed", "fixed-b")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Could not find inference component" in reasons(account, "fixed")
    assert deploy(account, "fixed", raw("fixed", "fixed-a", VariantName="Other")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot change VariantName of fixed-a" in reasons(account, "fixed")
    assert account.ask("fixed", "fixed-a")["weight"] == "1"
    assert deploy(account, "fixed", raw("fixed", "fixed-a", copies=2)) == "UPDATE_COMPLETE"
    assert account.describe_component("fixed-a")["RuntimeConfig"]["CurrentCopyCount"] == 2


def test_a_stack_whose_component_cannot_start_rolls_back_and_leaves_nothing(account: ComponentAccount) -> None:
    url = account.artifact("hopeless", program="raise RuntimeError('no such weights')")
    account.sagemaker.create_model(ModelName="hopeless-model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    assert deploy(account, "hopeless", raw("hopeless", "hopeless-a", model="hopeless-model")) == "ROLLBACK_COMPLETE"
    assert "no such weights" in reasons(account, "hopeless")
    assert account.components(EndpointNameEquals="hopeless") == []


def test_a_stack_update_succeeds_although_the_component_is_on_its_old_specification(account: ComponentAccount) -> None:
    account.model("undone-model")
    assert deploy(account, "undone", raw("undone", "undone-a", model="undone-model")) == "CREATE_COMPLETE"
    account.model("undone-broken", program="raise RuntimeError('no such weights')")
    assert deploy(account, "undone", raw("undone", "undone-a", model="undone-broken")) == "UPDATE_COMPLETE", "as with endpoints: it is InService again"
    found = account.describe_component("undone-a")
    assert found["Specification"]["ModelName"] == "undone-model" and "no such weights" in found["FailureReason"]
    assert account.ask("undone", "undone-a")["weight"] == "1"


def test_copies_move_together_and_the_instance_that_becomes_free_goes(account: ComponentAccount, templates: dict[str, str]) -> None:
    account.artifact("together-1", "a")
    assert deploy(account, "together", templates["together-1"]) == "CREATE_COMPLETE"
    three = {"MinMemoryRequiredInMb": 3072}
    account.scale("together-model", 2)
    account.component("together-other", "together", copies=2, compute=three, weight="b")
    assert account.instances("together") == 2, "two copies fill an instance"
    account.scale("together-model", 1)
    account.scale("together-other", 1)
    operated = time.monotonic()
    while account.instances("together") == 2:
        assert account.ask("together", "together-model")["weight"] == "a" and account.ask("together", "together-other")["weight"] == "b"
        assert time.monotonic() - operated < 30
    assert time.monotonic() - operated > 4, "the cooldown of five minutes, less what a look takes"
    assert account.ask("together", "together-model")["weight"] == "a" and account.ask("together", "together-other")["weight"] == "b"
    assert [account.describe_component(name)["RuntimeConfig"] for name in ("together-model", "together-other")] == [{"DesiredCopyCount": 1, "CurrentCopyCount": 1}] * 2


def test_components_start_on_the_next_type_while_the_first_cannot_be_had(account: ComponentAccount, templates: dict[str, str]) -> None:
    account.artifact("scarce-1", "1")
    account.faults("PUT", {"unavailableTypes": ["ml.m5.large"]})
    assert deploy(account, "scarce", templates["scarce-1"]) == "CREATE_COMPLETE"
    account.faults("DELETE")
    (variant,) = account.describe("scarce")["ProductionVariants"]
    assert variant["InstancePools"] == [{"InstanceType": "ml.m5.large", "CurrentInstanceCount": 0}, {"InstanceType": "ml.m5.xlarge", "CurrentInstanceCount": 1}]
    assert account.ask("scarce", "scarce-model")["weight"] == "1"
