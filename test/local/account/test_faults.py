"""Faults of models and endpoints: slow ones, ones that fail their health check, and updates that are refused. [L4]"""
from __future__ import annotations

import time
from typing import Any, Iterator

import pytest
from sagemaker_account import ROLE, Account

SLOW = {"artifact": "s3://artifacts/any/model.tar.gz", "latencyMs": 100}


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


@pytest.fixture(autouse=True)
def no_faults(account: Account) -> Iterator[None]:
    yield
    account.faults("DELETE")


def seconds(account: Account, endpoint: str) -> float:
    started = time.monotonic()
    account.invoke(endpoint)
    return time.monotonic() - started


def latency(account: Account, endpoint: str) -> float:
    found = account.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=time.time() - 600, EndTime=time.time() + 60, Period=3600, Statistics=["Maximum"],
    )  # fmt: skip
    return found["Datapoints"][0]["Maximum"]


def test_a_model_is_slow_from_now_on_and_its_latency_says_so_until_the_fault_ends(account: Account) -> None:
    url = account.config("slow-now")
    account.endpoint("slow-now", "slow-now")
    assert seconds(account, "slow-now") < 0.4
    assert account.faults("PUT", {"models": [{"artifact": url, "latencyMs": 500}]})[0] == 200
    assert seconds(account, "slow-now") >= 0.5
    assert latency(account, "slow-now") >= 500_000
    assert account.faults("DELETE") == (200, {"models": [], "endpoints": [], "unavailableTypes": [], "eventCopies": 1})
    assert seconds(account, "slow-now") < 0.4


def test_a_fault_from_the_start_hits_only_containers_that_start_later_and_stays_with_them(account: Account) -> None:
    url = account.config("slow-start")
    account.endpoint("slow-start", "slow-start")
    assert account.faults("PUT", {"models": [{"artifact": url, "latencyMs": 500, "from": "start"}]})[0] == 200
    account.endpoint("slow-later", "slow-start")
    account.faults("DELETE")
    assert seconds(account, "slow-start") < 0.4
    assert seconds(account, "slow-later") >= 0.5


def test_a_fault_names_a_model_package_and_spares_the_others(account: Account) -> None:
    url = account.artifact("slow-package")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="slow")
    for version in (1, 2):
        container = {"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3", "ModelDataUrl": url}
        specification = {"Containers": [container], "SupportedContentTypes": ["application/json"], "SupportedResponseMIMETypes": ["application/json"]}
        arn = account.sagemaker.create_model_package(ModelPackageGroupName="slow", InferenceSpecification=specification, ModelApprovalStatus="Approved")["ModelPackageArn"]
        account.sagemaker.create_model(ModelName=f"slow-{version}", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn})
        account.config_of(f"slow-{version}", f"slow-{version}")
        account.endpoint(f"slow-{version}", f"slow-{version}")
    assert account.faults("PUT", {"models": [{"artifact": arn, "latencyMs": 500}]})[0] == 200
    assert seconds(account, "slow-2") >= 0.5 and seconds(account, "slow-1") < 0.4


@pytest.mark.parametrize(("body", "message"), [
    (b"{", "the body is no JSON"),
    ([], "must be an object with models, endpoints, unavailableTypes, eventCopies"),
    ({"model": []}, "is unknown: did you mean models? [at model]"),
    ({"models": {}}, "must be a list"),
    ({"models": [{**SLOW, "latency": 1}]}, "is unknown: did you mean latencyMs? [at models[0].latency]"),
    ({"models": [{**SLOW, "artifact": "delay"}]}, "must be the ARN of a model package or an s3:// address, got 'delay' [at models[0].artifact]"),
    ({"models": [{"latencyMs": 5}]}, "got None [at models[0].artifact]"),
    ({"models": [{**SLOW, "latencyMs": 55_001}]}, "must be a whole number from 0 to 55000, got 55001 [at models[0].latencyMs]"),
    ({"models": [{**SLOW, "latencyMs": "5"}]}, "must be a whole number from 0 to 55000, got '5'"),
    ({"models": [{**SLOW, "latencyMs": 0}]}, "does nothing: give latencyMs above 0 or failPing true [at models[0]]"),
    ({"models": [{**SLOW, "from": "soon"}]}, "must be 'now' or 'start', got 'soon' [at models[0].from]"),
    ({"models": [{**SLOW, "failPing": 1}]}, "must be true or false, got 1 [at models[0].failPing]"),
    ({"endpoints": "delay"}, "must be a list, got 'delay' [at endpoints]"),
    ({"endpoints": [{"refuseUpdates": 1}]}, "must be the name of an endpoint, got None [at endpoints[0].endpoint]"),
    ({"endpoints": [{"endpoint": "delay"}]}, "must be a whole number from 1 to 100, got None [at endpoints[0].refuseUpdates]"),
    ({"endpoints": [{"endpoint": "delay", "refuseUpdates": 101}]}, "must be a whole number from 1 to 100, got 101"),
    ({"endpoints": [{"endpoint": "delay", "refuseUpdates": 1, "after": -1}]}, "must be a whole number from 0 to 100, got -1 [at endpoints[0].after]"),
    ({"unavailableTypes": ["m5.large"]}, "must be an instance type such as 'ml.g6.2xlarge', got 'm5.large' [at unavailableTypes[0]]"),
    ({"eventCopies": 0}, "must be a whole number from 1 to 10, got 0 [at eventCopies]"),
    ({"eventCopies": True}, "must be a whole number from 1 to 10, got True"),
])  # fmt: skip
def test_fails_faults_that_make_no_sense_says_where_and_keeps_what_was_there(account: Account, body: Any, message: str) -> None:
    before = account.faults("PUT", {"models": [SLOW]})
    status, answer = account.faults("PUT", body)
    assert status == 400 and message in answer["Message"]
    assert account.faults("GET") == before


def test_fails_a_method_that_the_route_does_not_take(account: Account) -> None:
    assert account.faults("POST", {"models": []})[0] == 405
