"""Ids tell what they are of and grow with time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.ids import Prefix, first_id, made_at, new_id


@pytest.mark.parametrize("prefix", list(Prefix))
def test_an_id_is_its_prefix_and_a_lower_case_ulid(prefix: Prefix) -> None:
    start = prefix.value if prefix is Prefix.CHAT else f"{prefix.value}_"
    made = new_id(prefix).lower() if prefix is Prefix.AIGENWAY_TASK else new_id(prefix)
    assert re.fullmatch(rf"{start}[0-9a-hjkmnp-tv-z]{{26}}", made)


def test_aigenways_tasks_have_their_ulid_in_capitals() -> None:
    assert re.fullmatch("tsk_[0-9A-HJKMNP-TV-Z]{26}", new_id(Prefix.AIGENWAY_TASK))


def test_a_chats_id_looks_as_openais_clients_know_it() -> None:
    assert new_id(Prefix.CHAT).startswith("chatcmpl-01")


def test_a_later_id_sorts_after_an_earlier_one() -> None:
    earlier = new_id(Prefix.EGGAPI_TASK)
    time.sleep(0.002)

    assert earlier < new_id(Prefix.EGGAPI_TASK)


def test_ids_made_in_one_moment_differ() -> None:
    assert len({new_id(Prefix.REQUEST) for _ in range(5_000)}) == 5_000


@pytest.mark.parametrize("prefix", list(Prefix))
def test_the_ids_of_a_time_lie_between_its_first_one_and_the_next(prefix: Prefix) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    some_id = new_id(prefix)

    assert first_id(prefix, before) < some_id < first_id(prefix, before + timedelta(seconds=5))
    assert before <= made_at(some_id) < before + timedelta(seconds=5)
