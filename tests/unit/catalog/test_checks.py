"""A catalog whose shape is right can still not work; each such mistake is named with its line."""

from __future__ import annotations

import pytest

from shared.catalog.load import BadCatalog, parse_catalog

GOOD = """\
providers:
  fal: {}
  gemini: {}
  kie:
    poll: {first_seconds: 1, most_seconds: 9}
    breaker: {rest_seconds: 5, most_seconds: 60}
models:
  banana:
    kind: image
    price:
      per: image
      usd: "0.01"
      by_resolution: {"4K": "0.02"}
    deadline_seconds: 600
    chain:
      - provider: fal
        generate: fal-ai/nano-banana
        edit: fal-ai/nano-banana/edit
        priority: 1
        weight: 3
        when: {edit: true, resolutions: ["4K"], ratios: ["16:9"]}
        soft_deadline_seconds: 60
      - {provider: gemini, generate: gemini-3-pro-image, priority: 1}
      - {provider: kie, generate: nano-banana-pro, when: {edit: false}}
  film:
    kind: video
    price: {per: second, usd: "0.08", by_resolution: {1080p: "0.10"}}
    chain:
      - {provider: kie, generate: kling, when: {resolutions: [720p]}}
  talk:
    kind: chat
    price: {per: token, usd_per_million_input: "1", usd_per_million_output: "2"}
    chain:
      - {provider: gemini, generate: gemini-2.5-flash}
  vectors:
    kind: embedding
    price: {per: token, usd_per_million_input: "1"}
    chain:
      - {provider: gemini, generate: gemini-embedding-001}
"""
BANANA, FILM, TALK = "models.banana.chain", "models.film.chain", "models.talk.chain"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  kie:\n",
            "  kye:\n",
            "4: providers.kye: there is no such provider; use gemini, openai, openrouter",
        ),
        ("first_seconds: 1,", "first_seconds: 10,", "5: providers.kie.poll: first_seconds is more than"),
        ("rest_seconds: 5,", "rest_seconds: 61,", "6: providers.kie.breaker: rest_seconds is more than"),
        ("  banana:", "  ba nana:", "8: models.ba nana: an id has letters, digits and . _ : / - only"),
        ("per: image", "per: second", "11: models.banana.price.per: of kind image it is `per: image`"),
        (
            '{per: second, usd: "0.08", by_resolution: {1080p: "0.10"}}',
            '{per: image, usd: "0.08"}',
            "27: models.film.price.per: of kind video it is `per: second`",
        ),
        (
            ', usd_per_million_output: "2"',
            "",
            "32: models.talk.price: answers have output tokens; add usd_per_million_output",
        ),
        (
            '{"4K"',
            '{"4k"',
            "13: models.banana.price.by_resolution.4k: there is no resolution '4k' of kind image; "
            "use 512, 1K, 2K or 4K",
        ),
        (
            "{1080p",
            "{1K",
            "27: models.film.price.by_resolution.1K: there is no resolution '1K' of kind video",
        ),
        (
            "provider: fal\n",
            "provider: fall\n",
            f"16: {BANANA}.0.provider: 'fall' is not under `providers`; add it there or use fal, gemini",
        ),
        (
            "provider: kie, generate: nano-banana-pro",
            "provider: gemini, generate: gemini-3-pro-image",
            f"24: {BANANA}.2: the same route as number 2 (gemini:gemini-3-pro-image); remove one",
        ),
        (
            "generate: gemini-3-pro-image",
            "generate: gemini-2.5-pro",
            f"23: {BANANA}.1.generate: gemini's 'gemini-2.5-pro' makes chat, not image; name another",
        ),
        ("kind: chat", "kind: embedding", f"34: {TALK}.0.generate: gemini's 'gemini-2.5-flash' makes chat"),
        (
            "generate: gemini-3-pro-image",
            "generate: gemini-3-pro-image, edit: gemini-2.5-pro",
            f"23: {BANANA}.1.edit: gemini's 'gemini-2.5-pro' makes chat, not image",
        ),
        (
            "generate: gemini-2.5-flash",
            "generate: gemini-2.5-flash, edit: gemini-2.5-flash",
            f"34: {TALK}.0.edit: a chat model edits no images; remove it",
        ),
        (
            "generate: gemini-2.5-flash",
            "generate: gemini-2.5-flash, when: {ratios: ['1:1']}",
            f"34: {TALK}.0.when: requests of kind chat have none of these; remove it",
        ),
        (
            "        edit: fal-ai/nano-banana/edit\n",
            "",
            f"20: {BANANA}.0.when.edit: the route has no `edit`; add the upstream model",
        ),
        (
            'resolutions: ["4K"]',
            'resolutions: ["8K"]',
            f"21: {BANANA}.0.when.resolutions.0: there is no resolution '8K' of kind image",
        ),
        (
            'resolutions: ["4K"]',
            'resolutions: ["512"]',
            f"21: {BANANA}.0.when.resolutions.0: fal:fal-ai/nano-banana makes no 512; use 1K, 2K or 4K",
        ),
        ("[720p]", "[4K, 1K]", f"29: {FILM}.0.when.resolutions.1: there is no resolution '1K'"),
        (
            '"16:9"',
            '"wide"',
            f"21: {BANANA}.0.when.ratios.0: 'wide' is not an aspect ratio; write it like '16:9'",
        ),
        (
            "generate: gemini-3-pro-image,",
            "generate: gemini-3-pro-image, when: {ratios: ['7:5']},",
            f"23: {BANANA}.1.when.ratios.0: gemini:gemini-3-pro-image makes no 7:5; use",
        ),
        (
            "gemini-3-pro-image, priority: 1",
            "gemini-3-pro-image",
            f"20: {BANANA}.0.weight: it has no effect, as no other route has priority 1; give both",
        ),
        (
            "soft_deadline_seconds: 60",
            "soft_deadline_seconds: 601",
            f"22: {BANANA}.0.soft_deadline_seconds: it is more than the model's deadline_seconds (600)",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_fix(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(BadCatalog) as caught:
        parse_catalog(GOOD.replace(old, new, 1), "catalog.yaml")

    found = caught.value.message.splitlines()
    assert any(line.startswith(f"catalog.yaml:{message}") for line in found), found


def test_without_mistakes_there_is_a_catalog() -> None:
    catalog = parse_catalog(GOOD, "catalog.yaml")

    assert list(catalog.models) == ["banana", "film", "talk", "vectors"]
    assert catalog.models["banana"].priorities == (1, 1, 3)


def test_mistakes_are_told_in_the_order_of_their_lines() -> None:
    text = GOOD.replace('"16:9"', '"wide"').replace("  fal: {}", "  fall: {}")
    with pytest.raises(BadCatalog) as caught:
        parse_catalog(text, "catalog.yaml")

    assert [line.split(":")[1] for line in caught.value.message.splitlines()] == ["2", "16", "21"]


def test_the_providers_whose_names_customers_may_read_are_named_one_by_one() -> None:
    assert parse_catalog(GOOD.replace("fal: {}", "fal: {reveal: true}"), "catalog.yaml").revealed == {"fal"}
