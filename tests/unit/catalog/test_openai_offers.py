"""Offers of the OpenAI-style dialect: what stands behind a public id, and which of them make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog.load import BadCatalog, load_catalog, parse_catalog

SEED = Path(__file__).parents[3] / "deploy" / "catalog.yaml"
GOOD = """\
providers: {openai: {}, fal: {}}
models:
  talk:
    kind: chat
    price: {per: token, usd_per_million_input: "1", usd_per_million_output: "2"}
    chain: [{provider: openai, generate: gpt-5}]
  film:
    kind: video
    price: {per: second, usd: "0.08"}
    chain: [{provider: fal, generate: fal-ai/veo3.1}]
credit_usd: "0.02"
openai:
  vendor/talk:
    model: talk
    display_name: Talk
    owned_by: openai
    capabilities: [chat]
    credits: 3
"""


def test_the_offer_of_the_platforms_own_example_is_sold_as_it_stands_there() -> None:
    catalog = load_catalog(SEED)
    offer = catalog.openai["openai/gpt-5"]

    assert (offer.owned_by, offer.display_name, offer.credits) == ("openrouter", "GPT-5", 3)
    assert offer.capabilities == ("chat", "reasoning")
    assert [route.provider for route in catalog.models[offer.model].chain] == ["openrouter", "openai"]
    assert catalog.credit_usd == "0.0100"


def test_a_catalog_needs_no_offers() -> None:
    catalog = parse_catalog(GOOD.partition("credit_usd")[0], "catalog.yaml")

    assert (catalog.openai, catalog.credit_usd) == ({}, "0.0100")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model: talk", "model: tell", "14: openai.vendor/talk.model: 'tell' is not under `models`; add it"),
        ("model: talk", "model: film", "14: openai.vendor/talk.model: 'film' is of kind video; offer chat, "),
        ("vendor/talk:", '"ven dor":', "13: openai.ven dor: an id has letters, digits and"),
        ("credits: 3", "credits: 0", "18: openai.vendor/talk.credits: it should be greater than or equal"),
        ("credits: 3", "credits: 1.5", "18: openai.vendor/talk.credits: it should be a valid integer"),
        ("    credits: 3\n", "", "13: openai.vendor/talk.credits: this field is missing; add it"),
        ("capabilities: [chat]", "capabilities: []", "17: openai.vendor/talk.capabilities: it is empty; add"),
        ("display_name", "displayname", "15: openai.vendor/talk.displayname: there is no such field; did"),
        ('"0.02"', '"0"', "11: credit_usd: a credit costs something; raise it"),
        ('"0.02"', "0.02", "11: credit_usd: it should be text; put it in quotes"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_fix(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(BadCatalog) as caught:
        parse_catalog(GOOD.replace(old, new, 1), "catalog.yaml")

    found = caught.value.message.splitlines()
    assert any(line.startswith(f"catalog.yaml:{message}") for line in found), found
