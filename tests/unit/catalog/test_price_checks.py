"""Prices that make no sense are named with their line and the fix."""

from __future__ import annotations

import pytest

from shared.catalog.load import BadCatalog, parse_catalog
from tests.unit.catalog.asking import catalog_text

TEXT = catalog_text(
    picture="""{per: image, usd: "0.1", minimum_usd: "0.1",
      by_resolution: {4K: "0.3"},
      by_quality: {low: {usd: "0.05"}},
      steps: [
        {above: 2, usd: "0.2", by_resolution: {4K: "0.2"}, by_quality: {low: {usd: "0.04"}}},
        {above: 5, usd: "0.3", by_resolution: {4K: "0.1"}, by_quality: {low: {usd: "0.04"}}},
      ]}""",
    talk="""{per: token, usd_per_million_input: "1", usd_per_million_output: "2",
      usd_per_million_cached_input: "0.5",
      steps: [
        {above: 1000, usd_per_million_input: "3",
         usd_per_million_output: "4",
         usd_per_million_cached_input: "0.6"}]}""",
    bundles="""
        - {resolution: [1K], usd: "0.1", steps: [{above: 3, usd: "0.2"}, {above: 9, usd: "0.2"}]}""",
)
PICTURE, TALK = "models.picture.price", "models.talk.price"
MAKE, FLAT = "aigenway.offers.a/picture/make", "aigenway.offers.a/picture/flat"


def test_the_example_is_good() -> None:
    price = parse_catalog(TEXT, "catalog.yaml").models["picture"].price

    assert [step.above for step in price.steps] == [2, 5]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("above: 5", "above: 2", f"{PICTURE}.steps.1.above: it is not more than 2; sort the steps"),
        ("above: 5", "above: 0", f"{PICTURE}.steps.1.above: it should be greater than or equal to 1"),
        ("above: 5", "above: 5.5", f"{PICTURE}.steps.1.above: it should be a valid integer"),
        ("above: 5", "beyond: 5", f"{PICTURE}.steps.1.beyond: there is no such field"),
        (
            'usd: "0.3", by_resolution: {4K: "0.1"}, ',
            'usd: "0.3", ',
            f"{PICTURE}.steps.1: 4K has a price of its own; name it in by_resolution here too",
        ),
        (
            '{above: 2, usd: "0.2", by_resolution: {4K: "0.2"}, by_quality: {low: {usd: "0.04"}}}',
            '{above: 2, usd: "0.2", by_resolution: {4K: "0.2"}}',
            f"{PICTURE}.steps.0: low has a price of its own; name it in by_quality here too",
        ),
        ('{low: {usd: "0.05"}}', '{fine: {usd: "0.05"}}', f"{PICTURE}.by_quality.fine: there is no quality"),
        (
            '{low: {usd: "0.05"}}',
            '{low: {usd: "0.05", by_resolution: {8K: "0.07"}}}',
            f"{PICTURE}.by_quality.low.by_resolution.8K: there is no resolution '8K' of kind image",
        ),
        ('minimum_usd: "0.1"', 'minimum_usd: "-1"', f"{PICTURE}.minimum_usd: a price is not negative"),
        (
            'minimum_usd: "0.1"',
            'minimum_usd: "1000001"',
            f"{PICTURE}.minimum_usd: a price is at most 1000000",
        ),
        (
            'above: 1000, usd_per_million_input: "3"',
            'above: 1000, usd_per_million_input: "0.9"',
            f"{TALK}.steps.0.usd_per_million_input: it is less than before this step (1); raise it",
        ),
        (
            'usd_per_million_output: "4"',
            'usd_per_million_output: "1"',
            f"{TALK}.steps.0.usd_per_million_output: it is less than before this step (2); raise it",
        ),
        (
            'usd_per_million_cached_input: "0.6"',
            'usd_per_million_cached_input: "0.4"',
            f"{TALK}.steps.0.usd_per_million_cached_input: cached input costs less than before this step",
        ),
        (
            'usd_per_million_cached_input: "0.5"',
            'usd_per_million_cached_input: "1.5"',
            f"{TALK}.usd_per_million_cached_input: it is more than other input costs; lower it",
        ),
        ("above: 9", "above: 3", f"{MAKE}.prices.0.steps.1.above: it is not more than 3; sort the steps"),
        (
            'prices: [{resolution: [1K], usd: "0.5"}]',
            'prices: [{resolution: [1K], usd: "0.5", steps: [{above: 1, usd: "1"}]}]',
            f"{FLAT}.prices.0.steps: a request is one unit; remove the steps",
        ),
        (
            "credits: 7",
            "credits: 7, changes: [{effective_at: 2027-01-31T00:00:00Z, credits: 1000000}]",
            "openai.vendor/picture.changes.0.credits: so many cost more than 1000000 USD; lower it",
        ),
    ],
)
def test_a_price_that_makes_no_sense_is_named_with_its_line(old: str, new: str, message: str) -> None:
    text = TEXT.replace('credit_usd: "0.01"', 'credit_usd: "2"')
    assert old in text
    line = text[: text.index(old)].count("\n") + 1

    with pytest.raises(BadCatalog) as caught:
        parse_catalog(text.replace(old, new, 1), "catalog.yaml")

    found = caught.value.message.splitlines()
    assert any(one.startswith(f"catalog.yaml:{line}: {message}") for one in found), (line, found)


def test_a_step_of_a_chat_names_its_output_too() -> None:
    text = TEXT.replace('         usd_per_million_output: "4",\n', "")

    with pytest.raises(BadCatalog, match=r"steps\.0: answers have output tokens; add usd_per_million_output"):
        parse_catalog(text, "catalog.yaml")


def test_a_step_names_the_resolutions_of_a_quality_too() -> None:
    text = TEXT.replace('{low: {usd: "0.05"}}', '{low: {usd: "0.05", by_resolution: {2K: "0.07"}}}')

    with pytest.raises(BadCatalog, match=r"by_quality\.low: 2K has a price of its own; name it in by_resol"):
        parse_catalog(text, "catalog.yaml")
