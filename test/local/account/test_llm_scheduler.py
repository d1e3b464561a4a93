"""The stand-in's GPU in virtual time, against formulas and against a computation of its own."""
from __future__ import annotations

import random

import pytest
from llm_reference import profile, reference, run, traffic

from account.sagemaker.llm.profile import NoProfile, Profile, load
from account.sagemaker.llm.scheduler import QueueFull, Scheduler, Sequence

ENVIRONMENT = {"HF_MODEL_ID": "Qwen/Qwen3-8B"}


def alone(one: Profile, prompt: int, output: int) -> tuple[float, float]:
    """When a request without company has its first and its last token: its prompt in chunks, then a token an iteration, each behind what is cached."""
    chunks = [min(one.chunk_tokens, prompt - start) for start in range(0, prompt, one.chunk_tokens)]
    first = sum(max(one.base_seconds, chunk * one.token_seconds) for chunk in chunks) + one.context_seconds * sum(range(0, prompt, one.chunk_tokens))
    decode = (output - 1) * max(one.base_seconds, one.token_seconds) + one.context_seconds * sum(prompt + i for i in range(1, output))
    return first, first + decode


@pytest.mark.parametrize(("prompt", "output"), [(1, 1), (512, 1), (513, 2), (1155, 211), (14050, 1000)])
@pytest.mark.parametrize("context_seconds", [0.0, 6e-7])
def test_a_request_alone_takes_its_prefill_and_one_iteration_for_each_further_token(prompt: int, output: int, context_seconds: float) -> None:
    one, request = profile(context_seconds=context_seconds), Sequence(prompt, output, 5.0)
    run(Scheduler(one), [request])
    first, last = alone(one, prompt, output)
    assert (request.first_token_at, request.finished_at) == (pytest.approx(5 + first, rel=1e-12), pytest.approx(5 + last, rel=1e-12))


def test_requests_that_fit_into_one_batch_share_its_iterations() -> None:
    # 32 prompts of 16 tokens are one chunk; below 210 tokens an iteration costs no more than reading the weights
    requests = [Sequence(16, 50, 0.0) for _ in range(32)]
    run(Scheduler(profile()), requests)
    assert {round(request.first_token_at, 9) for request in requests} == {round(512 / 3000, 9)}
    assert {round(request.finished_at, 9) for request in requests} == {round(512 / 3000 + 49 * 0.07, 9)}


def test_beyond_the_knee_a_batch_pays_for_each_of_its_tokens() -> None:
    requests = [Sequence(1, 11, 0.0) for _ in range(512)]
    run(Scheduler(profile(max_sequences=512)), requests)
    assert requests[-1].finished_at == pytest.approx(11 * 512 / 3000)


def test_a_request_that_finds_no_room_in_the_cache_waits_for_the_first_that_leaves_and_nobody_overtakes_it() -> None:
    scheduler = Scheduler(profile(kv_tokens=300))
    early, late, small = [Sequence(100, 100, 0.0)], Sequence(100, 50, 0.1), Sequence(10, 10, 0.2)
    run(scheduler, [*early, late, small])
    # `small` would fit beside the first, but `late` came before it
    assert small.first_token_at >= early[0].finished_at
    assert late.first_token_at == pytest.approx(early[0].finished_at + 0.07)


def test_no_more_sequences_run_than_the_server_takes() -> None:
    scheduler = Scheduler(profile(max_sequences=2))
    requests = [Sequence(10, 10, 0.0) for _ in range(3)]
    run(scheduler, requests)
    assert requests[2].first_token_at == pytest.approx(requests[0].finished_at + 0.07)


def test_a_long_prompt_slows_those_that_decode_and_does_not_stop_them() -> None:
    one = profile()
    decoding, prompt = Sequence(10, 40, 0.0), Sequence(5120, 2, 0.3)
    scheduler = Scheduler(one)
    run(scheduler, [decoding, prompt])
    # ten chunks of 512, each with the token of the other
    assert decoding.finished_at == pytest.approx(30 * 0.07 + 10 * (513 / 3000))


def test_throughput_saturates_where_the_cache_is_full() -> None:
    one = load("ml.g6.2xlarge", ENVIRONMENT)

    def rate(concurrency: int) -> float:
        scheduler = Scheduler(one)
        requests = [Sequence(1155, 211, 0.0) for _ in range(concurrency * 4)]
        run(scheduler, requests)
        return len(requests) / scheduler.now

    by_cache = one.kv_tokens // (1155 + 211)
    assert 15 <= by_cache <= 25
    # at most: each request computes its tokens, and the iterations that read the weights are shared by as many as fit
    bound = 1 / (1155 * one.token_seconds + 211 * one.base_seconds / by_cache)
    rates = [rate(by_cache * times) for times in (1, 2, 4)]
    assert rates[0] <= rates[1] * 1.05 and rates[2] == pytest.approx(rates[1], rel=0.05)
    assert 0.7 * bound < rates[2] < bound


@pytest.mark.parametrize("seed", range(40))
def test_random_traffic_has_the_times_of_a_computation_that_starts_anew_in_each_iteration(seed: int) -> None:
    draw = random.Random(seed)
    one = profile(kv_tokens=draw.choice([3000, 6000, 50_000]), max_sequences=draw.choice([3, 20, 256]), context_seconds=draw.choice([0.0, 6e-7]))
    requests = traffic(draw)
    sequences = [Sequence(*request) for request in requests]
    scheduler = Scheduler(one)
    run(scheduler, sequences)
    expected = reference(one, requests)
    assert [(s.first_token_at, s.finished_at) for s in sequences] == [(pytest.approx(first), pytest.approx(last)) for first, last in expected]
    assert scheduler.reserved == 0 and not scheduler.running and not scheduler.waiting


def test_who_leaves_frees_the_cache_at_once() -> None:
    scheduler = Scheduler(profile(kv_tokens=200))
    first, second = Sequence(100, 100, 0.0), Sequence(100, 100, 0.0)
    scheduler.submit(first)
    scheduler.submit(second)
    scheduler.begin()
    scheduler.finish()
    assert scheduler.running == [first]
    scheduler.cancel(first)
    scheduler.begin()
    assert scheduler.running == [second] and scheduler.reserved == 200
    scheduler.cancel(second)
    assert scheduler.finish() == [] and scheduler.begin() is None


def test_iterations_that_nobody_sees_are_counted_up_to_the_next_that_ends_something() -> None:
    scheduler = Scheduler(profile())
    run_to = Sequence(1000, 20, 0.0)
    scheduler.submit(run_to)
    scheduler.begin()
    assert scheduler.quiet_iterations() == 1
    scheduler.finish()
    scheduler.begin()
    scheduler.finish()
    scheduler.submit(Sequence(1, 5, scheduler.now + 100))
    scheduler.begin()
    assert (run_to.generated, scheduler.quiet_iterations()) == (1, 19)


def test_a_full_queue_refuses_and_what_waits_and_runs_goes_on() -> None:
    scheduler = Scheduler(profile(max_sequences=1, queue_size=2))
    requests = [Sequence(10, 5, 0.0) for _ in range(3)]
    scheduler.submit(requests[0])
    scheduler.begin()
    scheduler.submit(requests[1])
    scheduler.submit(requests[2])
    with pytest.raises(QueueFull):
        scheduler.submit(Sequence(10, 5, 0.0))
    while scheduler.begin() is not None:
        scheduler.finish()
    assert all(request.finished_at is not None for request in requests)


@pytest.mark.parametrize(("prompt", "output"), [(0, 1), (1, 0), (90_000, 10_001)])
def test_fails_on_a_request_that_is_none_or_above_the_context(prompt: int, output: int) -> None:
    with pytest.raises(ValueError):
        Scheduler(profile()).submit(Sequence(prompt, output, 0.0))


def test_the_profile_follows_from_the_figures_of_gpu_and_model() -> None:
    one = load("ml.g6.2xlarge", ENVIRONMENT)
    assert one.base_seconds == pytest.approx(0.0683, rel=0.01)  # 16.4 GB at 240 GB/s: about 15 tokens a second for one caller
    assert one.kv_tokens == pytest.approx(27_500, rel=0.02)
    # the facts' figure for Llama-3-8B on the same card: 33 k tokens
    assert load("ml.g6.2xlarge", {"HF_MODEL_ID": "meta-llama/Llama-3.1-8B-Instruct"}).kv_tokens == pytest.approx(33_000, rel=0.02)
    assert load("ml.g6e.2xlarge", {"HF_MODEL_ID": "/opt/ml/model"}, "s3://models/Llama-3.1-8B/").gpu == "L40S"


def test_what_the_container_is_told_counts() -> None:
    told = {**ENVIRONMENT, "OPTION_MAX_MODEL_LEN": "8192", "OPTION_MAX_ROLLING_BATCH_SIZE": "16", "SERVING_JOB_QUEUE_SIZE": "40"}
    one = load("ml.g6.2xlarge", told)
    assert (one.context_tokens, one.max_sequences, one.queue_size) == (8192, 16, 40)


@pytest.mark.parametrize("name", ["OPTION_SCHEDULING_POLICY", "SM_VLLM_SCHEDULING_POLICY"])
@pytest.mark.parametrize("policy", ["fcfs", "priority"])
def test_the_container_is_told_in_what_order_to_serve(name: str, policy: str) -> None:
    assert load("ml.g6.2xlarge", {**ENVIRONMENT, name: policy}).scheduling_policy == policy
    assert load("ml.g6.2xlarge", ENVIRONMENT).scheduling_policy == "fcfs"


@pytest.mark.parametrize(
    ("instance", "environment", "part"),
    [
        ("ml.m5.large", ENVIRONMENT, "no GPU profile for 'ml.m5.large'"),
        ("ml.g6.2xlarge", {"HF_MODEL_ID": "gpt2"}, "no profile is named by gpt2"),
        ("ml.g6.2xlarge", {}, "no profile is named by the model"),
        ("ml.g6.2xlarge", {**ENVIRONMENT, "OPTION_MAX_MODEL_LEN": "32768"}, "OPTION_MAX_MODEL_LEN of 32768 is above"),
        ("ml.g6.2xlarge", {**ENVIRONMENT, "OPTION_SCHEDULING_POLICY": "Priority"}, "OPTION_SCHEDULING_POLICY must be fcfs or priority, got 'Priority'"),
        ("ml.g6.2xlarge", {**ENVIRONMENT, "SM_VLLM_SCHEDULING_POLICY": ""}, "SM_VLLM_SCHEDULING_POLICY must be fcfs or priority, got ''"),
        (
            "ml.g6.2xlarge",
            {**ENVIRONMENT, "OPTION_SCHEDULING_POLICY": "priority", "SM_VLLM_SCHEDULING_POLICY": "fcfs"},
            "OPTION_SCHEDULING_POLICY and SM_VLLM_SCHEDULING_POLICY contradict each other",
        ),
    ],
)
def test_fails_without_figures_and_says_which_there_are(instance: str, environment: dict[str, str], part: str) -> None:
    with pytest.raises(NoProfile, match=part):
        load(instance, environment)
