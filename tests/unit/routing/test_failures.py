"""What customers are told."""

from __future__ import annotations

import pytest

from shared.providers.capabilities import TABLE
from shared.providers.errors import ErrorClass as E
from shared.routing.failures import NAMES, NO_ROUTE_MESSAGE, failure_of, without_names


@pytest.mark.parametrize(
    ("error_class", "words", "told"),
    [
        (E.POLICY_REFUSAL, "nudity", "Content moderation: nudity"),
        (E.POLICY_REFUSAL, None, "Content moderation: refused"),
        (E.CALLER_FAULT, "bad aspect ratio", "Invalid request: bad aspect ratio"),
        (E.CANCELLED, "whatever", "Task was cancelled"),
        (E.DEADLINE, "whatever", "Task timed out"),
        (E.NO_OUTPUT, "whatever", "The model produced no output for this request"),
        (E.PROVIDER_NOT_CONFIGURED, "whatever", "This model is not available at the moment"),
        (E.TRANSIENT, "whatever", NO_ROUTE_MESSAGE),
        (None, "whatever", NO_ROUTE_MESSAGE),
    ],
)
def test_each_failure_has_its_sentence(error_class: E | None, words: str | None, told: str) -> None:
    failure = failure_of(error_class, words)

    assert (failure.error_class, failure.message) == (error_class or E.UNKNOWN, told)


def test_a_providers_own_words_reach_the_customer_only_for_faults_of_the_request() -> None:
    told = {
        error_class: failure_of(error_class, "quota of account 17 at host x").message for error_class in E
    }

    assert {error_class for error_class, message in told.items() if "account 17" in message} == {
        E.POLICY_REFUSAL,
        E.CALLER_FAULT,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fal refused", "the provider refused"),
        ("refused by fal.ai.", "refused by the provider."),
        ("FAL AI says no", "the provider says no"),
        ("fal-ai/nano-banana/edit has no such field", "the provider has no such field"),
        ("Replicate's filter", "the provider's filter"),
        ("see replicate.com/docs", "see the provider"),
        ("The Google Gemini API", "the provider API"),
        ("Google: unsafe", "the provider: unsafe"),
        ("gemini-2.5-flash-image cannot", "the provider cannot"),
        ("rejected by OpenAI", "rejected by the provider"),
        ("rejected by Open AI", "rejected by the provider"),
        ("OpenRouter (kie.ai)", "the provider (the provider)"),
        ("kie said no", "the provider said no"),
        ("kie_error", "kie_error"),
        ("a falcon falls in Googleville", "a falcon falls in Googleville"),
        ("replicated twice", "replicated twice"),
    ],
)
def test_names_of_providers_are_hidden(text: str, told: str) -> None:
    assert without_names(text) == told


def test_a_revealed_name_stays() -> None:
    assert without_names("fal and OpenAI", {"openai"}) == "the provider and OpenAI"
    assert without_names("fal and OpenAI", set(NAMES)) == "fal and OpenAI"


def test_every_provider_has_a_name_to_hide() -> None:
    assert set(NAMES) == {provider for provider, _, _ in TABLE}
    assert {without_names(name.capitalize()) for name in NAMES} == {"the provider"}


def test_a_verb_is_no_name() -> None:
    assert without_names("cannot replicate the pose") == "cannot replicate the pose"
    assert without_names("see replicate.com for Replicate") == "see the provider for the provider"
