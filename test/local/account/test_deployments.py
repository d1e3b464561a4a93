"""Deployment guardrails of the local account: a new fleet takes over under watch, and the old one comes back when an alarm says so. [R3]"""
from __future__ import annotations

import itertools
import time
from typing import Any, Iterator

import pytest
from botocore.exceptions import ClientError
from sagemaker_account import Account, Traffic, until

from account.sagemaker import deployments, guardrails

BROKEN = "raise RuntimeError('no such weights')"
_NAMES = itertools.count()


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


@pytest.fixture(autouse=True)
def no_faults(account: Account) -> Iterator[None]:
    yield
    account.faults("DELETE")


class Release:
    """An endpoint on <name>-old and, ready for a release, <name>-new with an artefact of its own."""

    def __init__(self, account: Account, count: int = 1, program: str | None = None) -> None:
        self.account, self.name = account, f"release-{next(_NAMES)}"
        self.old, self.new, self.alarm = f"{self.name}-old", f"{self.name}-new", f"{self.name}-latency"
        account.config(self.old, "old", count)
        self.artifact = account.config(self.new, "new", count, **({"program": program} if program else {}))
        account.endpoint(self.name, self.old)
        account.alarm(self.alarm, self.name, self.new)

    def start(self, policy: dict | None = None, rollback: bool = True, **more: Any) -> None:
        config = {**(policy or {}), **({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": self.alarm}]}} if rollback else {})}
        self.account.sagemaker.update_endpoint(EndpointName=self.name, EndpointConfigName=self.new, DeploymentConfig=config, **more)

    def served(self) -> str:
        return self.account.invoke(self.name)["weight"]

    def states(self) -> list[str]:
        """The statuses until the endpoint settled."""
        seen: list[str] = []

        def done() -> bool:
            status = self.account.describe(self.name)["EndpointStatus"]
            if status not in seen:
                seen.append(status)
            return status == "InService"

        until(done)
        return seen

    def slow(self) -> None:
        assert self.account.faults("PUT", {"models": [{"artifact": self.artifact, "latencyMs": 400}]})[0] == 200


def blue_green(wait: int = 300, termination: int = 0, kind: str = "ALL_AT_ONCE", limit: int | None = None, **sizes: Any) -> dict:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **{name: {"Type": size[0], "Value": size[1]} for name, size in sizes.items()}}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination, **({"MaximumExecutionTimeoutInSeconds": limit} if limit else {})}
    return {"BlueGreenUpdatePolicy": policy}


def rolling(kind: str, value: int, wait: int = 60, **more: Any) -> dict:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": kind, "Value": value}, "WaitIntervalInSeconds": wait, **more}}


def test_all_traffic_is_on_the_new_fleet_while_it_bakes_and_the_old_one_stays_until_the_termination_wait_is_over(account: Account) -> None:
    release = Release(account)
    release.start(blue_green(300, 300))
    pending = until(lambda: account.describe(release.name).get("PendingDeploymentSummary"))
    assert pending["EndpointConfigName"] == release.new and pending["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    until(lambda: release.served() == "new")
    found = account.describe(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Updating", release.old)
    assert {release.served() for _ in range(10)} == {"new"}
    found = account.settled(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"], "PendingDeploymentSummary" in found) == ("InService", release.new, False)
    assert found["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == 300
    assert release.served() == "new"


def test_a_release_answers_every_request(account: Account) -> None:
    release = Release(account)
    with Traffic(release.served) as traffic:
        release.start(blue_green(60))
        assert account.settled(release.name)["EndpointConfigName"] == release.new
    assert traffic.errors == [] and traffic.answers[0] == "old" and traffic.answers[-1] == "new"


def test_a_slow_model_rolls_back_to_the_old_fleet_through_its_own_alarm_and_the_new_fleet_ends(account: Account) -> None:
    release = Release(account)
    release.slow()
    with Traffic(release.served) as traffic:
        release.start(blue_green(1800))
        # RollingBack lasts as long as the new fleet takes to end: a busy machine may not see it.
        assert release.states() in (["Updating", "RollingBack", "InService"], ["Updating", "InService"])
    found = account.describe(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", release.old)
    assert release.alarm in found["FailureReason"] and "PendingDeploymentSummary" not in found
    assert "new" in traffic.answers and traffic.errors == [] and release.served() == "old"


def test_an_alarm_of_the_new_configuration_does_not_see_a_slow_old_fleet(account: Account) -> None:
    release = Release(account)
    account.alarm(f"{release.name}-any", release.name, None)
    assert account.faults("PUT", {"models": [{"artifact": f"s3://artifacts/{release.old}/model.tar.gz", "latencyMs": 400}]})[0] == 200
    with Traffic(release.served):
        until(lambda: account.state(f"{release.name}-any") == "ALARM")
        assert account.state(release.alarm) != "ALARM"
        release.start(blue_green(120))
        assert account.settled(release.name)["EndpointConfigName"] == release.new


def test_an_alarm_that_is_on_at_the_start_ends_a_deployment_on_the_old_configuration(account: Account) -> None:
    release = Release(account)
    with account.alarmed(release.alarm):
        release.start(blue_green(600))
        found = account.settled(release.name)
    assert found["EndpointConfigName"] == release.old and "in ALARM" in found["FailureReason"]


def test_a_release_whose_containers_fail_their_ping_stays_on_the_old_fleet(account: Account) -> None:
    release = Release(account)
    assert account.faults("PUT", {"models": [{"artifact": release.artifact, "failPing": True}]})[0] == 200
    release.start(blue_green(60))
    found = account.settled(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", release.old)
    assert "did not pass the ping health check" in found["FailureReason"] and release.served() == "old"


def test_a_canary_gets_its_share_before_everything(account: Account) -> None:
    release = Release(account, count=2)
    release.start(blue_green(300, kind="CANARY", CanarySize=("INSTANCE_COUNT", 1)))
    until(lambda: release.served() == "new")
    seen = {release.served() for _ in range(40)}
    found = account.settled(release.name)
    assert seen == {"old", "new"} and found["EndpointConfigName"] == release.new
    assert {release.served() for _ in range(10)} == {"new"}


def test_linear_steps_share_the_traffic_and_an_alarm_in_the_middle_gives_all_of_it_back(account: Account) -> None:
    release = Release(account, count=2)
    release.start(blue_green(900, kind="LINEAR", LinearStepSize=("CAPACITY_PERCENT", 50)))
    until(lambda: release.served() == "new")
    seen = [release.served() for _ in range(60)]
    assert 10 < seen.count("new") < 50
    with account.alarmed(release.alarm):
        found = account.settled(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", release.old)
    assert release.alarm in found["FailureReason"] and {release.served() for _ in range(10)} == {"old"}


def test_a_rolling_release_replaces_batch_after_batch_and_never_doubles_the_fleet(account: Account) -> None:
    release, counts = Release(account, count=2), []
    release.start(rolling("CAPACITY_PERCENT", 50))

    def done() -> bool:
        found = account.describe(release.name)
        pending = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
        counts.append(found["ProductionVariants"][0]["CurrentInstanceCount"] + sum(variant["CurrentInstanceCount"] for variant in pending))
        return found["EndpointStatus"] == "InService"

    until(done)
    found = account.describe(release.name)
    assert (found["EndpointConfigName"], found["ProductionVariants"][0]["CurrentInstanceCount"], max(counts)) == (release.new, 2, 3)


def test_a_rolling_release_that_goes_wrong_gives_the_old_fleet_its_size_back(account: Account) -> None:
    release = Release(account, count=2)
    release.slow()
    with Traffic(release.served) as traffic:
        release.start(rolling("INSTANCE_COUNT", 1, wait=1800))
        found = account.settled(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", release.old, 2)
    assert traffic.errors == [] and {release.served() for _ in range(5)} == {"old"}


def test_an_alarm_after_the_first_batch_brings_back_what_was_replaced(account: Account) -> None:
    release = Release(account, count=2)
    release.start(rolling("CAPACITY_PERCENT", 50, wait=600, RollbackMaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 50}))
    until(lambda: account.describe(release.name)["ProductionVariants"][0]["CurrentInstanceCount"] == 1)
    until(lambda: {release.served() for _ in range(10)} == {"new"})
    with account.alarmed(release.alarm):
        found = account.settled(release.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", release.old, 2)
    assert release.alarm in found["FailureReason"] and {release.served() for _ in range(10)} == {"old"}


class Story:
    """Stands in for the monitor, the watch and two fleets, and writes down what a deployment does with them."""

    class Variant:
        def __init__(self, count: int) -> None:
            self.endpoint, self.name, self.size = "any", "AllTraffic", count

        def resize(self, count: int) -> None:
            self.size = count

    class Fleet:
        def __init__(self, count: int) -> None:
            self.endpoint, self.variants = "any", [Story.Variant(count)]

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new, self.share, self.lines = Story.Fleet(old), Story.Fleet(new), 0.0, []
        self.candidates = {"any": self.new}

    def stage(self, fleet: Any, share: float) -> None:
        assert fleet is self.new
        self.share = round(share, 3)

    def wait(self, seconds: float, alarms: bool = True) -> None:
        self.lines.append((self.share, *self.sizes(), seconds, alarms))

    def sizes(self) -> tuple[int, int]:
        return self.old.variants[0].size, self.new.variants[0].size


@pytest.mark.parametrize(("policy", "total", "lines"), [
    (blue_green(300, 60), 4, [(1, 4, 4, 300, True), (1, 4, 4, 60, False)]),
    (blue_green(300, kind="CANARY", CanarySize=("CAPACITY_PERCENT", 25)), 4, [(0.25, 4, 4, 300, True), (1, 4, 4, 300, True), (1, 4, 4, 0, False)]),
    (
        blue_green(300, kind="LINEAR", LinearStepSize=("INSTANCE_COUNT", 1)), 3,
        [(0.333, 3, 3, 300, True), (0.667, 3, 3, 300, True), (1, 3, 3, 300, True), (1, 3, 3, 0, False)],
    ),
    (rolling("CAPACITY_PERCENT", 50, 60), 4, [(0.5, 4, 2, 60, True), (1, 2, 4, 60, True), (1, 2, 4, 0, False)]),
])  # fmt: skip
def test_each_step_has_its_share_of_traffic_its_fleets_and_its_bake(
    monkeypatch: pytest.MonkeyPatch, policy: dict, total: int, lines: list[tuple]
) -> None:
    """Share of the new fleet, instances of the old and the new one, seconds, and whether alarms are watched. [row 76]"""
    plan = guardrails.plan(policy, [{"VariantName": "AllTraffic"}], {"AllTraffic": total})
    story = Story(total, plan.steps[0] if plan.rolling else total)
    monkeypatch.setattr(deployments, "MONITOR", story)
    deployments._shift(story.old, story.new, plan, story)  # type: ignore[arg-type]
    assert story.lines == lines


@pytest.mark.parametrize(("size", "batches"), [
    ({"Type": "CAPACITY_PERCENT", "Value": 25}, [(0.5, 2, 2), (0.25, 3, 1)]),
    ({"Type": "INSTANCE_COUNT", "Value": 2}, [(0.25, 3, 1)]),
    ({"Type": "CAPACITY_PERCENT", "Value": 100}, []),
    (None, []),
])  # fmt: skip
def test_a_rolling_rollback_takes_traffic_and_capacity_back_in_its_own_batches(
    monkeypatch: pytest.MonkeyPatch, size: dict | None, batches: list[tuple]
) -> None:
    """Share, old and new instances after each batch but the last, after which the new fleet ends."""
    plan = guardrails.plan(rolling("INSTANCE_COUNT", 1, **({"RollbackMaximumBatchSize": size} if size else {})), [{"VariantName": "AllTraffic"}], {"AllTraffic": 4})
    story, seen = Story(1, 3), []
    monkeypatch.setattr(deployments, "MONITOR", story)
    monkeypatch.setattr(story.new.variants[0], "resize", lambda count: (Story.Variant.resize(story.new.variants[0], count), seen.append((story.share, *story.sizes()))))
    deployments._restore(story.old.variants[0], 4, plan.rollback_batch)  # type: ignore[arg-type]
    assert seen == batches and story.sizes()[0] == 4


def test_instances_without_guardrails_are_replaced_at_once_and_nothing_is_watched() -> None:
    """[row 74]"""
    config = {**rolling("CAPACITY_PERCENT", 50), "AutoRollbackConfiguration": {"Alarms": []}}
    plan = guardrails.plan(config, [{"VariantName": "AllTraffic", "InstanceType": "ml.inf1.xlarge"}], {"AllTraffic": 4})
    assert (plan.rolling, plan.steps, plan.bake_seconds, plan.alarms) == (False, (4,), 0, ())


def test_fails_a_deployment_to_a_variant_of_another_name(account: Account) -> None:
    """[row 73]"""
    release = Release(account)
    variant = {"VariantName": "Other", "ModelName": release.new, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    account.sagemaker.create_endpoint_config(EndpointConfigName=f"{release.name}-other", ProductionVariants=[variant])
    release.new = f"{release.name}-other"
    with pytest.raises(ClientError, match="keeps the names of its variants: AllTraffic serve, got Other"):
        release.start(blue_green(60))


def test_the_last_deployment_configuration_is_used_again_when_retained(account: Account) -> None:
    release = Release(account)
    release.start(blue_green(60))
    account.settled(release.name)
    account.sagemaker.update_endpoint(EndpointName=release.name, EndpointConfigName=release.old, RetainDeploymentConfig=True)
    found = account.settled(release.name)
    assert found["EndpointConfigName"] == release.old
    assert found["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": release.alarm}]


@pytest.fixture(scope="module")
def two(account: Account) -> Release:
    return Release(account, count=2)


@pytest.fixture(scope="module")
def one(account: Account) -> Release:
    return Release(account)


@pytest.mark.parametrize(("fleet", "policy", "message"), [
    ("two", {**blue_green(), **rolling("INSTANCE_COUNT", 1)}, "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy"),
    ("two", rolling("CAPACITY_PERCENT", 51), "MaximumBatchSize must be 5-50 % of the variant's 2 instance"),
    ("two", rolling("CAPACITY_PERCENT", 4), "MaximumBatchSize must be 5-50 %"),
    ("two", rolling("INSTANCE_COUNT", 2), "MaximumBatchSize must be 5-50 %"),
    ("two", rolling("INSTANCE_COUNT", 1, RollbackMaximumBatchSize={"Type": "CAPACITY_PERCENT", "Value": 101}), "RollbackMaximumBatchSize must be at most 100 %"),
    ("two", rolling("INSTANCE_COUNT", 1, RollbackMaximumBatchSize={"Type": "INSTANCE_COUNT", "Value": 3}), "RollbackMaximumBatchSize must be at most 100 %"),
    ("two", blue_green(kind="LINEAR", LinearStepSize=("CAPACITY_PERCENT", 51)), "LinearStepSize must be 10-50 %"),
    ("two", blue_green(1200, kind="LINEAR", limit=2400, LinearStepSize=("CAPACITY_PERCENT", 50)), "larger than the waits of the deployment, 2400 s"),
    ("one", rolling("CAPACITY_PERCENT", 50), "MaximumBatchSize must be 5-50 % of the variant's 1 instance"),
    ("one", blue_green(kind="CANARY", CanarySize=("INSTANCE_COUNT", 1)), "CanarySize must be at most 50 %"),
    ("two", blue_green(kind="CANARY", CanarySize=("CAPACITY_PERCENT", 80)), "CanarySize must be at most 50 %"),
    ("two", blue_green(kind="LINEAR", LinearStepSize=("CAPACITY_PERCENT", 9)), "LinearStepSize must be 10-50 %"),
    ("two", blue_green(kind="CANARY"), "CanarySize belongs to the traffic routing type CANARY"),
    ("two", blue_green(3600, 3600, limit=7200), "larger than the waits of the deployment, 7200 s"),
    ("two", blue_green(3601), "WaitIntervalInSeconds"),
    ("two", blue_green(limit=28_801), "MaximumExecutionTimeoutInSeconds"),
    ("two", {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "nobody-made-me"}]}}, "alarms that do not exist: nobody-made-me"),
])  # fmt: skip
def test_fails_a_deployment_that_makes_no_sense(request: pytest.FixtureRequest, fleet: str, policy: dict, message: str) -> None:
    release: Release = request.getfixturevalue(fleet)
    with pytest.raises(ClientError, match=message):
        release.start(policy, rollback=False)
    assert release.account.describe(release.name)["EndpointStatus"] == "InService"


@pytest.mark.parametrize(("policy", "total", "steps"), [
    (blue_green(), 3, (3,)),
    (blue_green(kind="CANARY", CanarySize=("CAPACITY_PERCENT", 30)), 10, (3, 10)),
    (blue_green(kind="LINEAR", LinearStepSize=("CAPACITY_PERCENT", 30)), 10, (3, 6, 9, 10)),
    (rolling("CAPACITY_PERCENT", 5), 10, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
    (rolling("INSTANCE_COUNT", 2), 4, (2, 4)),
    ({}, 2, (2,)),
])  # fmt: skip
def test_a_policy_says_after_how_many_instances_the_fleet_bakes(policy: dict, total: int, steps: tuple[int, ...]) -> None:
    assert guardrails.plan(policy, [{"VariantName": "AllTraffic"}], {"AllTraffic": total}).steps == steps


def test_fails_a_deployment_whose_containers_take_longer_than_its_limit_but_counts_waits_in_platform_time(account: Account) -> None:
    watch = guardrails.Watch(guardrails.Plan(False, (1,), 60, 0, 60.5, ()))
    watch.wait(60)
    with pytest.raises(guardrails.Tripped, match="longer than its MaximumExecutionTimeoutInSeconds"):
        time.sleep(0.6)
        watch.look()


def test_fails_an_update_of_a_failed_endpoint(account: Account) -> None:
    account.config("failed-1", program=BROKEN)
    assert account.endpoint("failed-1", "failed-1")["EndpointStatus"] == "Failed"
    with pytest.raises(ClientError, match="can only be deleted"):
        account.sagemaker.update_endpoint(EndpointName="failed-1", EndpointConfigName="failed-1")
