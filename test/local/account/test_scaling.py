"""Application Auto Scaling acts in the local account: tracking, steps, schedules and limits change real fleets. [A1, A4, L3]"""
from __future__ import annotations

import json
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT
from sagemaker_account import Account, resource, until
from test_async_endpoints import ask
from test_async_endpoints import endpoint as async_endpoint
from test_async_endpoints import stored

PROGRAMS = ROOT / "test/local/account/programs"
DIMENSION = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    made = Account(account_url)
    made.s3.create_bucket(Bucket="exchange")
    return made


class Scaled:
    """A target of one endpoint's variant, and a metric that a test feeds."""

    def __init__(self, account: Account, name: str, **limits: int) -> None:
        self.account, self.name = account, name
        self.api = account.client("application-autoscaling")
        self.identity = {**DIMENSION, "ResourceId": f"endpoint/{name}/variant/AllTraffic"}
        if limits:
            self.limits(**limits)
        self.value: float | None = None
        self._over = threading.Event()
        threading.Thread(target=self._feed, daemon=True).start()

    def limits(self, **limits: Any) -> None:
        self.api.register_scalable_target(**self.identity, **limits)

    def policy(self, name: str, kind: str, **config: Any) -> dict:
        key = "StepScalingPolicyConfiguration" if kind == "StepScaling" else "TargetTrackingScalingPolicyConfiguration"
        return self.api.put_scaling_policy(**self.identity, PolicyName=name, PolicyType=kind, **{key: config})

    def track(self, name: str, **config: Any) -> dict:
        """Holds the fed metric at 10."""
        metric = {"MetricName": "Load", "Namespace": "Test", "Statistic": "Average", "Dimensions": [{"Name": "Of", "Value": self.name}]}
        cool = {"ScaleOutCooldown": 0, "ScaleInCooldown": 0}
        return self.policy(name, "TargetTrackingScaling", **{"TargetValue": 10, "CustomizedMetricSpecification": metric, **cool, **config})

    def step(self, name: str, steps: list[dict], threshold: float = 10, kind: str = "ChangeInCapacity", comparison: str = "GreaterThanOrEqualToThreshold", **config: Any) -> str:
        """Steps by an alarm on one minute of the fed metric. Returns the alarm's name."""
        arn = self.policy(name, "StepScaling", AdjustmentType=kind, StepAdjustments=steps, **{"Cooldown": 0, **config})["PolicyARN"]
        self.account.cloudwatch.put_metric_alarm(
            AlarmName=f"{self.name}-{name}", Namespace="Test", MetricName="Load", Statistic="Average", Period=60, EvaluationPeriods=1, Threshold=threshold,
            ComparisonOperator=comparison, Dimensions=[{"Name": "Of", "Value": self.name}], AlarmActions=[arn],
        )  # fmt: skip
        return f"{self.name}-{name}"

    def count(self) -> int:
        return self.account.describe(self.name)["ProductionVariants"][0]["CurrentInstanceCount"]

    def activities(self, status: str | None = None) -> list[dict]:
        found = self.api.describe_scaling_activities(**self.identity)["ScalingActivities"]
        return [activity for activity in found if status in (None, activity["StatusCode"])]

    def reaches(self, count: int, seconds: float = 30) -> None:
        until(lambda: self.account.describe(self.name)["EndpointStatus"] == "InService" and self.count() == count, seconds)

    def end(self) -> None:
        self._over.set()
        try:
            self.api.deregister_scalable_target(**self.identity)
        except ClientError:
            pass

    def _feed(self) -> None:
        """Twice a platform minute, so that each has a datapoint."""
        while not self._over.wait(0.5):
            if self.value is not None:
                self.account.cloudwatch.put_metric_data(
                    Namespace="Test", MetricData=[{"MetricName": "Load", "Value": self.value, "Dimensions": [{"Name": "Of", "Value": self.name}]}]
                )


@pytest.fixture()
def scaled(account: Account) -> Iterator[Callable[..., Scaled]]:
    made: list[Scaled] = []

    def make(name: str, least: int = 1, most: int = 4, count: int = 1) -> Scaled:
        account.config(name, count=count)
        account.endpoint(name, name)
        made.append(Scaled(account, name, MinCapacity=least, MaxCapacity=most))
        return made[-1]

    yield make
    for one in made:
        one.end()
        account.settled(one.name)
        account.sagemaker.delete_endpoint(EndpointName=one.name)


def test_the_construct_s_asynchronous_endpoint_rests_at_zero_wakes_works_its_backlog_off_and_rests_again_by_itself(account: Account) -> None:
    """[row 101, row 106]"""
    name = "act-async"
    async_endpoint(account, name)
    made = subprocess.run(["node", "--import", "tsx", PROGRAMS / "async-scaling.ts", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    formation = account.client("cloudformation")
    formation.create_stack(StackName=name, TemplateBody=made)
    until(lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    scaled = Scaled(account, name)
    scaled.reaches(0, 20)
    time.sleep(2)
    assert [activity["Description"] for activity in scaled.activities()] == ["Setting instance count to 0."]
    answers = [ask(account, name, {"sleep": 0.8}) for _ in range(24)]
    scaled.reaches(3, 120)
    until(lambda: all(stored(account, answer["OutputLocation"]) for answer in answers), 120)
    assert json.loads(stored(account, answers[0]["OutputLocation"]))["answer"] == {"sleep": 0.8}
    scaled.reaches(0, 120)
    until(lambda: not scaled.activities("InProgress"))
    assert {activity["StatusCode"] for activity in scaled.activities()} == {"Successful"}
    counts = [activity["Description"].removeprefix("Setting instance count to ").rstrip(".") for activity in reversed(scaled.activities())]
    assert counts in (["0", "1", "3", "0"], ["0", "1", "2", "3", "0"])
    causes = [activity["Cause"] for activity in reversed(scaled.activities())]
    assert causes[0] == causes[-1] == f"monitor alarm {name}-idle in state ALARM triggered policy {name}-idle"
    assert causes[1] == f"monitor alarm {name}-wake-up in state ALARM triggered policy {name}-wake-up"
    assert causes[2:-1] and all("AlarmHigh" in cause and f"triggered policy {name}-backlog" in cause for cause in causes[2:-1])
    assert scaled.activities()[0]["StatusMessage"] == "Successfully set instance count to 0. Change successfully fulfilled by sagemaker."
    formation.delete_stack(StackName=name)


def test_a_real_time_endpoint_scales_out_with_its_requests_and_in_without_them(account: Account, scaled: Callable[..., Scaled]) -> None:
    target = scaled("act-real", most=3)
    named = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    answer = target.policy("requests", "TargetTrackingScaling", TargetValue=2, PredefinedMetricSpecification=named, ScaleOutCooldown=60, ScaleInCooldown=60)
    high, low = sorted(alarm["AlarmName"] for alarm in answer["Alarms"])
    assert high.startswith("TargetTracking-endpoint/act-real/variant/AllTraffic-AlarmHigh-") and "-AlarmLow-" in low
    alarms = {alarm["AlarmName"]: alarm for alarm in account.cloudwatch.describe_alarms(AlarmNames=[high, low])["MetricAlarms"]}
    assert (alarms[high]["Threshold"], alarms[high]["EvaluationPeriods"], alarms[high]["Statistic"], alarms[high]["Period"]) == (2, 3, "Sum", 60)
    assert (alarms[low]["Threshold"], alarms[low]["EvaluationPeriods"], alarms[low]["ComparisonOperator"]) == (1.8, 15, "LessThanThreshold")
    assert alarms[high]["AlarmActions"] == [answer["PolicyARN"]]
    described = target.api.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=target.identity["ResourceId"])["ScalingPolicies"]
    assert {alarm["AlarmName"] for alarm in described[0]["Alarms"]} == {high, low}
    over, updating = threading.Event(), []

    def traffic() -> None:
        while not over.wait(0.02):
            account.invoke("act-real")

    worker = threading.Thread(target=traffic, daemon=True)
    worker.start()
    until(lambda: updating.append(account.describe("act-real")) or updating[-1]["ProductionVariants"][0]["CurrentInstanceCount"] == 3, 20)
    over.set()
    worker.join()
    between = [found for found in updating if found["EndpointStatus"] == "Updating"]
    variant = between[0]["ProductionVariants"][0]
    assert 1 == variant["CurrentInstanceCount"] < variant["DesiredInstanceCount"] <= 3
    target.reaches(1, 40)
    target.api.delete_scaling_policy(**target.identity, PolicyName="requests")
    assert account.cloudwatch.describe_alarms(AlarmNames=[high, low])["MetricAlarms"] == []


def test_steps_follow_the_breach_and_the_alarm_calls_again_while_it_is_on(scaled: Callable[..., Scaled]) -> None:
    target = scaled("act-step", most=4)
    target.step("out", [{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2}])
    target.value = 25
    target.reaches(4)
    until(lambda: len(target.activities("Successful")) == 2)
    assert [activity["Description"][-2:] for activity in target.activities()] == ["4.", "3."]
    history = target.account.cloudwatch.describe_alarm_history(AlarmName="act-step-out", HistoryItemType="Action")["AlarmHistoryItems"]
    assert "Successfully executed action arn:aws:autoscaling" in history[0]["HistorySummary"]


def test_a_cool_down_lets_only_a_larger_way_out_pass(scaled: Callable[..., Scaled]) -> None:
    """[row 108]"""
    target = scaled("act-cool", most=9)
    steps = [{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2}]
    target.step("out", steps, Cooldown=900)
    target.value = 15
    target.reaches(2)
    time.sleep(2.5)
    assert target.count() == 2
    target.value = 25
    target.reaches(3)
    time.sleep(2.5)
    assert target.count() == 3


def test_a_fleet_goes_in_when_all_tracking_policies_agree_and_none_without_scale_in(account: Account, scaled: Callable[..., Scaled]) -> None:
    """[row 113]"""
    target = scaled("act-agree", count=3)
    target.track("one", ScaleInCooldown=900)
    only_out = target.track("out-only", TargetValue=12, DisableScaleIn=True)
    assert len(only_out["Alarms"]) == 1
    flat = [
        {"Id": "load", "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": "Load", "Dimensions": [{"Name": "Of", "Value": "act-agree"}]}, "Stat": "Average"}, "ReturnData": False},
        {"Id": "twice", "Expression": "load * 2"},
    ]
    target.track("math", CustomizedMetricSpecification={"Metrics": flat})
    target.value = 4.7  # twice is 9.4: above the low alarm of `math`
    low = next(alarm["AlarmName"] for alarm in target.api.describe_scaling_policies(**DIMENSION, PolicyNames=["one"])["ScalingPolicies"][0]["Alarms"] if "Low" in alarm["AlarmName"])
    until(lambda: account.state(low) == "ALARM", 25)
    time.sleep(1.5)
    assert target.count() == 3
    target.api.delete_scaling_policy(**target.identity, PolicyName="math")
    target.reaches(2)


def test_what_is_refused_during_an_update_is_a_failed_activity_and_is_tried_again(account: Account, scaled: Callable[..., Scaled]) -> None:
    """[row 109]"""
    target = scaled("act-busy")
    target.step("out", [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}], Cooldown=900)
    account.config("act-busy-slow", program="import time\ntime.sleep(4)\ndef model_fn(d): return 1\ndef predict_fn(data, model): return 1\n")
    account.sagemaker.update_endpoint(EndpointName="act-busy", EndpointConfigName="act-busy-slow", RetainAllVariantProperties=True)
    target.value = 15
    until(lambda: target.activities("Failed"))
    assert "Cannot update in-progress endpoint" in target.activities("Failed")[0]["StatusMessage"]
    target.reaches(2)
    until(lambda: target.activities()[0]["StatusCode"] == "Successful")


def test_new_limits_move_the_count_and_suspended_policies_do_nothing(scaled: Callable[..., Scaled]) -> None:
    target = scaled("act-limits", least=2)
    target.reaches(2)
    assert target.activities()[0]["Cause"] == "minimum capacity was set to 2"
    target.limits(MinCapacity=1, MaxCapacity=1)
    target.reaches(1)
    assert target.activities()[0]["Cause"] == "maximum capacity was set to 1"
    target.limits(MinCapacity=1, MaxCapacity=3, SuspendedState={"DynamicScalingOutSuspended": True})
    target.step("out", [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}], Cooldown=900)
    target.value = 15
    time.sleep(3)
    assert target.count() == 1
    target.limits(SuspendedState={"DynamicScalingOutSuspended": False})
    target.reaches(2)


def test_scheduled_actions_set_the_limits_at_their_time_whatever_cools_down(scaled: Callable[..., Scaled]) -> None:
    target = scaled("act-plan", most=2)
    target.step("out", [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}], Cooldown=3600)
    target.value = 15
    target.reaches(2)
    target.value = None
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    put = lambda name, schedule, **more: target.api.put_scheduled_action(**target.identity, ScheduledActionName=name, Schedule=schedule, **more)  # noqa: E731
    put("once", f"at({soon:%Y-%m-%dT%H:%M:%S})", ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 4})
    target.reaches(3)
    assert target.activities()[0]["Cause"] == "scheduled action name once was triggered; minimum capacity was set to 3"
    put("over", "cron(* * * * ? *)", Timezone="Europe/Berlin", EndTime=datetime.now(timezone.utc) - timedelta(hours=1), ScalableTargetAction={"MinCapacity": 4})
    time.sleep(2)
    assert target.count() == 3
    put("every", "rate(1 minute)", ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1})
    target.reaches(1)
    [found] = target.api.describe_scheduled_actions(**DIMENSION, ScheduledActionNames=["every"])["ScheduledActions"]
    assert (found["Schedule"], found["ScalableTargetAction"]) == ("rate(1 minute)", {"MinCapacity": 1, "MaxCapacity": 1})
    target.api.delete_scheduled_action(**target.identity, ScheduledActionName="every")
    target.limits(MinCapacity=1, MaxCapacity=4, SuspendedState={"ScheduledScalingSuspended": True})
    put("night", "cron(* * * * ? *)", Timezone="Europe/Berlin", ScalableTargetAction={"MinCapacity": 2})
    time.sleep(2)
    assert target.count() == 1
    target.limits(SuspendedState={"ScheduledScalingSuspended": False})
    target.reaches(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Schedule": "cron(99 * * * ? *)"}, "not valid"),
        ({"Schedule": "at(2020-01-01T00:00:00)"}, "in the past"),
        ({"Schedule": "rate(1 minute)", "Timezone": "Mars/Olympus"}, "Timezone Mars/Olympus"),
        ({"Schedule": "rate(1 minute)", "ScalableTargetAction": {"MinCapacity": 0}}, "at least 1"),
        ({"Schedule": "rate(1 minute)", "ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "not above maximum"),
    ],
)
def test_fails_a_scheduled_action_that_can_never_be_right(scaled: Callable[..., Scaled], change: dict, message: str) -> None:
    target = scaled(f"act-bad-plan-{time.monotonic_ns()}")
    with pytest.raises(ClientError, match=message):
        target.api.put_scheduled_action(**{**target.identity, "ScheduledActionName": "bad", "ScalableTargetAction": {"MinCapacity": 1}, **change})


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("TargetTrackingScaling", {"TargetValue": 5}, "Exactly one of"),
        ("TargetTrackingScaling", {"TargetValue": 5, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"}}, "only supports"),
        ("TargetTrackingScaling", {"TargetValue": 5, "CustomizedMetricSpecification": {"MetricName": "Load"}}, "needs MetricName, Namespace and Statistic"),
        ("StepScaling", {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []}, "are required"),
        ("StepScaling", {"AdjustmentType": "ChangeInCapacity", "MinAdjustmentMagnitude": 1, "StepAdjustments": [{"ScalingAdjustment": 1}]}, "PercentChangeInCapacity only"),
        ("StepScaling", {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 3, "ScalingAdjustment": 1}]}, "overlap"),
        ("StepScaling", {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalUpperBound": 1, "ScalingAdjustment": 1}, {"MetricIntervalLowerBound": 3, "ScalingAdjustment": 1}]}, "gap"),
    ],
)  # fmt: skip
def test_fails_a_policy_that_makes_no_sense(scaled: Callable[..., Scaled], kind: str, config: dict, message: str) -> None:
    target = scaled(f"act-bad-{time.monotonic_ns()}")
    with pytest.raises(ClientError, match=message):
        target.policy("bad", kind, **config)


def test_a_high_resolution_policy_sees_concurrency_within_a_minute(account: Account, scaled: Callable[..., Scaled]) -> None:
    target = scaled("act-fast", most=2)
    account.config("act-fast-2", program="import time\ndef model_fn(d): return 1\ndef input_fn(b, t): return 1\ndef predict_fn(data, model):\n    time.sleep(0.3)\n    return 1\n")
    account.sagemaker.update_endpoint(EndpointName="act-fast", EndpointConfigName="act-fast-2")
    account.settled("act-fast")
    named = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    alarms = target.policy("concurrency", "TargetTrackingScaling", TargetValue=0.5, PredefinedMetricSpecification=named)["Alarms"]
    found = {alarm["AlarmName"]: alarm for alarm in account.cloudwatch.describe_alarms(AlarmNames=[alarm["AlarmName"] for alarm in alarms])["MetricAlarms"]}
    assert sorted((alarm["Period"], alarm["EvaluationPeriods"]) for alarm in found.values()) == [(10, 6), (10, 90)]
    over = threading.Event()

    def traffic() -> None:
        while not over.is_set():
            account.invoke("act-fast")

    workers = [threading.Thread(target=traffic, daemon=True) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        target.reaches(2, 15)
    finally:
        over.set()
        for worker in workers:
            worker.join()


def test_a_template_with_schedules_steps_and_tracking_deploys_changes_and_goes(account: Account, scaled: Callable[..., Scaled]) -> None:
    name, formation = "act-stack", account.client("cloudformation")
    account.config(name)
    account.endpoint(name, name)

    def template(schedules: list[dict], target: float) -> str:
        scalable = resource(
            "AWS::ApplicationAutoScaling::ScalableTarget", **DIMENSION, ResourceId=f"endpoint/{name}/variant/AllTraffic", MinCapacity=1, MaxCapacity=3, ScheduledActions=schedules
        )
        track = {"TargetValue": target, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
        steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}
        policy = lambda kind, **config: resource("AWS::ApplicationAutoScaling::ScalingPolicy", PolicyName=kind, PolicyType=kind, ScalingTargetId={"Ref": "Target"}, **config)  # noqa: E731
        resources = {
            "Target": scalable,
            "Track": policy("TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=track),
            "Steps": policy("StepScaling", StepScalingPolicyConfiguration=steps),
        }
        return json.dumps({"Resources": resources})

    actions = lambda: {a["ScheduledActionName"]: a["Schedule"] for a in account.client("application-autoscaling").describe_scheduled_actions(**DIMENSION, ResourceId=f"endpoint/{name}/variant/AllTraffic")["ScheduledActions"]}  # noqa: E731
    status = lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]  # noqa: E731
    day = {"ScheduledActionName": "day", "Schedule": "cron(0 8 ? * MON-FRI *)", "Timezone": "Europe/Berlin", "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 3}}
    night = {**day, "ScheduledActionName": "night", "Schedule": "cron(0 20 * * ? *)", "ScalableTargetAction": {"MinCapacity": 1}}
    formation.create_stack(StackName=name, TemplateBody=template([day, night], 100))
    until(lambda: status() == "CREATE_COMPLETE")
    assert actions() == {"day": "cron(0 8 ? * MON-FRI *)", "night": "cron(0 20 * * ? *)"}
    formation.update_stack(StackName=name, TemplateBody=template([{**day, "Schedule": "cron(0 7 ? * MON-FRI *)"}], 50))
    until(lambda: status() == "UPDATE_COMPLETE")
    assert actions() == {"day": "cron(0 7 ? * MON-FRI *)"}
    own = lambda: [a for a in account.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-endpoint/{name}/")["MetricAlarms"]]  # noqa: E731
    assert sorted(alarm["Threshold"] for alarm in own()) == [45, 50]
    formation.delete_stack(StackName=name)
    until(lambda: own() == [])
