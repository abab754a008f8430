"""How text calls end that do not end well."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.api.text.endings import as_ours, broke_off, carries_content, not_in_time, too_late
from shared.providers.base import ChatDelta, Failed
from shared.providers.errors import ErrorClass
from tests.unit.building import NOON, a_task, attempt


@pytest.mark.parametrize(
    ("delta", "is_content"),
    [
        ({}, False),
        ({"role": "assistant"}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"tool_calls": []}, False),
        ({"role": "assistant", "content": "a"}, True),
        ({"content": " "}, True),
        ({"tool_calls": [{"index": 0}]}, True),
        ({"refusal": "No."}, True),
    ],
)
def test_a_role_alone_is_no_part_of_an_answer(delta: dict[str, object], is_content: bool) -> None:
    assert carries_content(ChatDelta(delta)) is is_content


@pytest.mark.parametrize(
    ("error_class", "after", "becomes"),
    [
        (ErrorClass.CANCELLED, 0, ErrorClass.TRANSIENT),
        (ErrorClass.DEADLINE, 0, ErrorClass.TRANSIENT),
        (ErrorClass.DEADLINE, 15, ErrorClass.DEADLINE),
        (ErrorClass.QUOTA, 0, ErrorClass.QUOTA),
    ],
)
def test_a_provider_does_not_end_the_task(error_class: ErrorClass, after: int, becomes: ErrorClass) -> None:
    ours = as_ours(Failed(error_class, "x"), a_task(), NOON + timedelta(minutes=after))

    assert ours == Failed(becomes, "x")


@pytest.mark.parametrize(("minutes", "error_class"), [(14, ErrorClass.TRANSIENT), (15, ErrorClass.DEADLINE)])
def test_a_late_call_ends_the_task_only_at_its_deadline(minutes: int, error_class: ErrorClass) -> None:
    assert too_late(NOON + timedelta(minutes=minutes), a_task()).error_class is error_class


def test_the_last_failure_is_told_rather_than_what_routes_wait_for() -> None:
    last = attempt(error_class=ErrorClass.TRANSIENT)

    assert not_in_time(last, "rate_limit", ()).error_class is ErrorClass.TRANSIENT
    assert not_in_time(None, "rate_limit", ()).error_class is ErrorClass.RATE_LIMIT
    assert not_in_time(None, "breaker open", ()).error_class is ErrorClass.TRANSIENT


def test_an_answer_that_broke_off_keeps_the_provider_s_words_to_us() -> None:
    assert "secret" not in broke_off(Failed(ErrorClass.UNKNOWN, "a secret"), ()).message


def test_providers_are_named_in_a_refusal_only_where_they_are_revealed() -> None:
    refused = Failed(ErrorClass.POLICY_REFUSAL, "refused by OpenAI")

    assert broke_off(refused, ()).message == "Content moderation: refused by the provider"
    assert broke_off(refused, ("openai",)).message == "Content moderation: refused by OpenAI"
