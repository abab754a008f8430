from __future__ import annotations

from datetime import timedelta

import pytest

from shared.providers.tools import TimeLimits


def seconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(seconds=number)


@pytest.mark.parametrize(
    ("allowed", "submit", "generate"), [(None, 30, 240), (10, 10, 10), (60, 30, 60), (900, 30, 240)]
)
def test_the_shorter_of_both_time_limits_holds(allowed: int | None, submit: int, generate: int) -> None:
    limits = TimeLimits()
    assert limits.submit_within(seconds(allowed)) == seconds(submit)
    assert limits.generate_within(seconds(allowed)) == seconds(generate)
