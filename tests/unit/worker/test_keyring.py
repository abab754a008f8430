"""Which key makes the next attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.keyring import KeyRing, media_adapters
from shared.providers.base import EmbeddingDone, EmbeddingRequest, MediaProvider
from shared.routing.health import Health, Rest, key_on_route_subject, key_subject
from tests.unit.building import NOON
from tests.unit.worker.providers import Scripted

ROUTE = "fal:banana"
FIRST, SECOND, THIRD = (Scripted() for _ in range(3))


class Embeds:
    """Makes no media."""

    name = "openai"

    async def embed(self, request: EmbeddingRequest) -> EmbeddingDone:
        raise NotImplementedError


@pytest.fixture
def keys() -> KeyRing[MediaProvider]:
    adapters = media_adapters(
        {
            "fal": {"fal-1": FIRST, "fal-2": SECOND, "fal-3": THIRD},
            "kie": {"kie-1": Scripted()},
            "openai": {"openai-1": Embeds()},
        }
    )
    return KeyRing(adapters)


def chosen(
    keys: KeyRing[MediaProvider], count: int, health: Health | None = None, route: str = ROUTE
) -> list[str | None]:
    return [keys.choose("fal", route, health or Health(), NOON) for _ in range(count)]


def resting(*subjects: str, until: timedelta = timedelta(seconds=5)) -> Health:
    return Health(rests={subject: Rest(NOON + until, "rate_limit") for subject in subjects})


def test_only_providers_that_make_media_are_worked_for(keys: KeyRing[MediaProvider]) -> None:
    assert keys.providers == ["fal", "kie"]
    assert keys.adapter("openai", "openai-1") is None


def test_keys_take_turns(keys: KeyRing[MediaProvider]) -> None:
    assert chosen(keys, 4) == ["fal-1", "fal-2", "fal-3", "fal-1"]


def test_the_turns_of_one_provider_are_not_those_of_another(keys: KeyRing[MediaProvider]) -> None:
    chosen(keys, 1)
    assert keys.choose("kie", "kie:banana", Health(), NOON) == "kie-1"
    assert chosen(keys, 1) == ["fal-2"]


@pytest.mark.parametrize("subject", [key_subject("fal-2"), key_on_route_subject("fal-2", ROUTE)])
def test_a_resting_key_is_passed_over(keys: KeyRing, subject: str) -> None:
    assert set(chosen(keys, 6, resting(subject))) == {"fal-1", "fal-3"}


def test_a_key_that_rests_on_another_route_is_used(keys: KeyRing[MediaProvider]) -> None:
    assert "fal-2" in chosen(keys, 3, resting(key_on_route_subject("fal-2", "fal:other")))


def test_a_rest_that_is_over_is_none(keys: KeyRing[MediaProvider]) -> None:
    assert "fal-2" in chosen(keys, 3, resting(key_subject("fal-2"), until=timedelta(0)))


def test_when_all_keys_rest_the_one_that_is_ready_first_is_used(keys: KeyRing[MediaProvider]) -> None:
    waits = {"fal-1": 9, "fal-2": 8, "fal-3": 7}
    rests = {
        key_subject(key): Rest(NOON + timedelta(seconds=seconds), "quota") for key, seconds in waits.items()
    }

    assert chosen(keys, 3, Health(rests=rests)) == ["fal-3"] * 3


def test_a_provider_without_a_key_has_none_to_choose(keys: KeyRing[MediaProvider]) -> None:
    assert keys.choose("replicate", "replicate:banana", Health(), NOON) is None
    assert keys.adapter("replicate", None) is None
    assert KeyRing[MediaProvider]({"fal": {}}).providers == []


def test_a_job_goes_on_with_the_key_that_made_it(keys: KeyRing[MediaProvider]) -> None:
    assert keys.adapter("fal", "fal-2") is SECOND


@pytest.mark.parametrize("key_id", [None, "fal-gone"])
def test_with_its_key_gone_a_job_goes_on_with_another(
    keys: KeyRing[MediaProvider], key_id: str | None
) -> None:
    assert keys.adapter("fal", key_id) is FIRST
