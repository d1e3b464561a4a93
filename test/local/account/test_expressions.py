"""Metric math: results by hand, missing datapoints, and loud errors [O1]."""
from __future__ import annotations

import pytest

from account.alarms.expressions import Evaluation, ExpressionError, names, parse

SERIES = {"m1": [1.0, 2.0, None], "m2": [4.0, 0.0, 6.0], "e": [None, None, None]}


def evaluate(expression: str) -> list[float | None]:
    return Evaluation(3, 60, SERIES.__getitem__, lambda: list(SERIES.values())[:2]).series(expression)


@pytest.mark.parametrize("expression,expected", [
    ("m1 + m2", [5, 2, None]),
    ("100 * m1 / m2", [25, None, None]),
    ("-m1 ^ 2", [-1, -4, None]),
    ("m2 > 3", [1, 0, 1]),
    ("m2 >= 4 && m1 < 2", [1, 0, None]),
    ("m2 > 3 OR m2 == 0", [1, 1, 1]),
    ("m2 > 3 AND m2 < 5", [1, 0, 0]),
    ("FILL(m1, 0)", [1, 2, 0]),
    ("FILL(m1, REPEAT)", [1, 2, 2]),
    ("FILL(e, 7)", [7, 7, 7]),
    ("IF(m2 > 3, m1, 0)", [1, 0, None]),
    ("IF(m2 > 3, 9)", [9, None, 9]),
    ("IF(FILL(m1, 0) > 0, 100 * (m2 / m1), 0)", [400, 0, 0]),
    ("MAX(m2)", [6, 6, 6]),
    ("MAX([m1, m2])", [4, 2, 6]),
    ("SUM(METRICS())", [5, 2, 6]),
    ("AVG([m1, m2])", [2.5, 1, 6]),
    ("MIN([m1, m2])", [1, 0, 6]),
    ("MAX(METRICS()) - MIN(METRICS())", [3, 2, 0]),
    ("ABS(m1 - m2)", [3, 2, None]),
    ("CEIL(m1 / 2) + FLOOR(m1 / 2)", [1, 2, None]),
    ("m1 / PERIOD(m1)", [1 / 60, 2 / 60, None]),
    ("TIME_SERIES(5)", [5, 5, 5]),
])  # fmt: skip
def test_gives_the_value_of_each_period(expression: str, expected: list[float | None]) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize("invocations,client,server,model,rate", [
    (4, 4, 0, 4, 0),
    (4, 2, 1, 3, 0.25),
    (4, 0, 0, 2, 0.5),
    (4, 0, 2, 0, 0.5),
])  # fmt: skip
def test_what_callers_got_refused_is_no_failure_of_the_endpoint(invocations: float, client: float, server: float, model: float, rate: float) -> None:
    series = {"invocations": [invocations], "client": [client], "server": [server], "model": [model]}
    expression = "IF(server > model - client, server, model - client) / invocations"  # failureRate of an InferenceEndpoint
    assert Evaluation(1, 60, series.__getitem__, list).series(expression) == [rate]


@pytest.mark.parametrize("requests,instances,lacking", [
    (480, 2, 0),  # each serves the 4 a second that are planned
    (516, 2, 0),  # and less than 8 % more
    (520, 2, 1),  # 4.33 a second each: three would serve 2.9
    (2400, 2, 8),
    (None, None, None),
])  # fmt: skip
def test_what_a_fleet_lacks_is_computed_as_the_scaling_of_an_inference_endpoint_states_it(requests: float, instances: float, lacking: float) -> None:
    series = {"requests": [requests], "shares": [requests and requests / instances]}
    expression = "IF((CEIL(requests / 259.2) - requests / shares) >= 0.5, CEIL(requests / 240) - requests / shares, 0)"
    assert Evaluation(1, 60, series.__getitem__, list).series(expression) == [lacking]
    # For the way in a minute without requests counts as one too many.
    assert Evaluation(1, 60, series.__getitem__, list).series(f"FILL({expression}, -1)") == [-1 if lacking is None else lacking]


@pytest.mark.parametrize("requests,tokens,work", [
    (60, 200, 120),  # twice the tokens of a request count as two
    (60, None, 60),  # nobody counted
    (None, 200, None),
])  # fmt: skip
def test_requests_count_as_much_as_their_tokens_where_there_are_any(requests: float, tokens: float, work: float) -> None:
    series = {"requests": [requests], "tokens": [tokens]}
    expression = "requests * FILL(tokens, 100) / 100"  # of a scaling with tokens
    assert Evaluation(1, 60, series.__getitem__, list).series(expression) == [work]


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum')", "ANOMALY_DETECTION_BAND(m1, 2)", "m1.real", "(lambda: 1)()", "m1 if m2 else 3", "1 +", "FILL(m1, LINEAR)", "METRICS()", "1 / 0"])
def test_fails_on_what_is_not_modelled(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)


def test_names_the_metrics_of_an_expression() -> None:
    assert names(parse("IF(FILL(m1, REPEAT) > 0, m2, e)")) == {"m1", "m2", "e"}
