"""What a stored attempt has cost us, and whether that is all."""

from __future__ import annotations

from typing import Any

import pytest

from shared.margin.costs import AttemptCost, attempt_cost
from shared.providers.errors import ErrorClass

JOB = {"provider_job": {"ids": ["job_1"]}}
ORPHAN = {"orphan_suspect": True, "unaccounted": 1}


@pytest.mark.parametrize(
    ("attempt", "cost"),
    [
        ({"cost_nano": 5, "cost_source": "provider"}, AttemptCost(5, 0, known=True)),
        ({"cost_nano": 5, "cost_source": "catalog"}, AttemptCost(5, 5, known=True)),
        ({"cost_nano": 0, "error_class": "transient"}, AttemptCost(0, 0, known=True)),
        ({}, AttemptCost(0, 0, known=False)),
        ({"error_class": "transient"}, AttemptCost(0, 0, known=False)),
        ({"error_class": "rate_limit"}, AttemptCost(0, 0, known=True)),
        ({"error_class": "caller_fault"}, AttemptCost(0, 0, known=True)),
        ({"error_class": "caller_fault", **JOB}, AttemptCost(0, 0, known=False)),
        ({"error_class": "cancelled"}, AttemptCost(0, 0, known=True)),
        ({"error_class": "cancelled", "key_id": "fal-1"}, AttemptCost(0, 0, known=False)),
        ({"error_class": "submit_ambiguous", **ORPHAN}, AttemptCost(0, 0, known=False)),
        ({"cost_nano": 5, **JOB, **ORPHAN}, AttemptCost(5, 0, known=False)),
        ({"late_cost_nano": 7, **JOB, **ORPHAN}, AttemptCost(7, 0, known=True)),
        ({"cost_nano": 5, "late_cost_nano": 7, **JOB, **ORPHAN}, AttemptCost(12, 0, known=True)),
        (
            {"cost_nano": 0, "late_cost_nano": 7, "late_cost_source": "catalog", **JOB, **ORPHAN},
            AttemptCost(7, 7, known=True),
        ),
        ({"late_cost_nano": 7, **JOB, **ORPHAN, "unaccounted": 2}, AttemptCost(7, 0, known=False)),
    ],
)
def test_an_attempt_costs_what_is_known_of_it_and_tells_whether_that_is_all(
    attempt: dict[str, Any], cost: AttemptCost
) -> None:
    assert attempt_cost(attempt) == cost


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_a_job_that_the_provider_took_and_says_nothing_of_is_never_free(error_class: ErrorClass) -> None:
    assert not attempt_cost({"error_class": error_class.value, "key_id": "fal-1", **JOB}).known
