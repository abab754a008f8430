"""What a provider is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.worker.requests import Requests
from shared.providers.base import GenerationRequest
from shared.providers.capabilities import Kind
from shared.tasks.lifecycle import State
from tests.unit.building import NOON, a_task, attempt

HINTS = "https://hatchery.example/"


def asked(hints_url: str | None = None, route: str = "fal:banana", **fields: Any) -> GenerationRequest:
    facts = {"attempts": (attempt(route, options={"safety": 2}),), "_id": "gen_7", **fields}
    return Requests(hints_url).of(a_task(State.SUBMITTING, **facts), NOON)


def test_the_attempts_model_and_options_are_asked_with_the_clients_words() -> None:
    request = {
        "prompt": "a hen in a hat",
        "negative_prompt": "rain",
        "aspect_ratio": "16:9",
        "num_outputs": 2,
        "resolution": "4K",
        "image_urls": ("https://pictures.example/hen.png",),
    }

    assert asked(request=request) == GenerationRequest(
        upstream_model="banana",
        options={"safety": 2},
        kind=Kind.IMAGE,
        time_limit=timedelta(minutes=4),
        **request,
    )


def test_a_video_is_asked_for_with_its_length() -> None:
    video = asked(kind="video_generate", request={"prompt": "a hen dances", "duration_seconds": 8})

    assert (video.kind, video.duration_seconds) == (Kind.VIDEO, 8)


def test_the_current_attempt_counts_and_not_an_earlier_one() -> None:
    attempts = (attempt("fal:banana"), attempt("replicate:nano", number=2))

    assert asked(attempts=attempts).upstream_model == "nano"


@pytest.mark.parametrize("provider", ["fal", "replicate", "kie"])
def test_providers_that_can_are_told_where_to_call(provider: str) -> None:
    request = asked(HINTS, f"{provider}:banana")

    assert request.callback_url == f"https://hatchery.example/callbacks/{provider}/gen_7"


@pytest.mark.parametrize("provider", ["gemini", "openai", "openrouter", "unheard-of"])
def test_providers_that_cannot_are_not(provider: str) -> None:
    assert asked(HINTS, f"{provider}:banana").callback_url is None


@pytest.mark.parametrize("hints_url", [None, ""])
def test_without_an_address_of_our_own_nobody_is(hints_url: str | None) -> None:
    assert asked(hints_url).callback_url is None
