"""Announced prices: they count from their moment on, for what is accepted then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.catalog.load import BadCatalog, parse_catalog
from shared.catalog.model import Catalog
from shared.catalog.quotes import MostTokens
from shared.catalog.rate import PriceMissing
from shared.catalog.settle import charge, text_charge
from tests.unit.catalog.asking import (
    BUNDLES,
    NOON,
    NOTHING_SAID,
    PICTURE,
    TALK,
    bundle,
    catalog,
    catalog_text,
    credits_for,
    images,
    pictures,
    quote,
    took,
)

BEFORE = NOON - timedelta(microseconds=1)
LATER = NOON + timedelta(days=30)
DEARER = (
    PICTURE
    + """
    changes:
      - effective_at: 2026-03-14T12:00:00Z
        price: {per: image, usd: "0.03", minimum_usd: "0.05"}
      - {effective_at: "2026-04-13T13:00:00+01:00", price: {per: image, usd: "0.02"}}"""
)
DEARER_TALK = (
    TALK
    + """
    changes:
      - effective_at: 2026-03-14T12:00:00Z
        price: {per: token, usd_per_million_input: "5", usd_per_million_output: "9"}"""
)
OTHER_BUNDLES = (
    BUNDLES
    + """
      changes: [{effective_at: 2026-03-14T12:00:00Z, prices: [{resolution: [2K], usd: "0.3"}]}]"""
)


def announced() -> Catalog:
    text = catalog_text(DEARER, talk=DEARER_TALK, bundles=OTHER_BUNDLES)
    changed = "credits: 3, changes: [{effective_at: 2026-03-14T12:00:00Z, credits: 5}]"
    return parse_catalog(text.replace("credits: 3", changed), "catalog.yaml")


def test_the_last_change_that_is_not_to_come_counts() -> None:
    holds = [
        quote("picture", images(2), catalog=announced(), now=now).hold_nano
        for now in (BEFORE, NOON, LATER - timedelta(seconds=1), LATER)
    ]

    assert holds == [20_000_000, 60_000_000, 60_000_000, 40_000_000]


def test_credits_change_with_their_offer() -> None:
    holds = [
        quote(credits_for("vendor/talk"), NOTHING_SAID, catalog=announced(), now=now).hold_nano
        for now in (BEFORE, NOON)
    ]

    assert holds == [30_000_000, 50_000_000]


def test_bundles_come_and_go() -> None:
    old, new = (bundle("a/picture/make", resolution=resolution) for resolution in ("1K", "2K"))

    assert quote(old, images(), catalog=announced(), now=BEFORE).hold_nano == 100_000_000
    assert quote(new, images(), catalog=announced(), now=NOON).hold_nano == 300_000_000
    for offer, now in ((new, BEFORE), (old, NOON)):
        with pytest.raises(PriceMissing):
            quote(offer, images(), catalog=announced(), now=now)


def test_a_price_per_token_changes_with_its_model() -> None:
    holds = [
        quote(
            bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(1000, 0), catalog=announced(), now=now
        ).hold_nano
        for now in (BEFORE, NOON)
    ]

    assert holds == [1_000_000, 5_000_000]


def test_what_was_accepted_keeps_its_price() -> None:
    request = images(2)
    held = quote("picture", request, catalog=announced(), now=BEFORE)
    text = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(9, 9), catalog=announced(), now=BEFORE)

    assert charge(held, request, pictures(2)) == 20_000_000
    assert text_charge(text, took(1, 1)) == 3_000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"2026-04-13T13:00:00+01:00"',
            "2026-03-14T12:00:00Z",
            "models.picture.changes.1.effective_at: another change has this time too; remove one",
        ),
        (
            '"2026-04-13T13:00:00+01:00"',
            "2026-03-13T12:00:00Z",
            "models.picture.changes.1.effective_at: it is before that of the change above; sort",
        ),
        (
            '"2026-04-13T13:00:00+01:00"',
            "2026-04-13",
            "models.picture.changes.1.effective_at: write a time with its zone, such as 2027",
        ),
        (
            '"2026-04-13T13:00:00+01:00"',
            "soon",
            "models.picture.changes.1.effective_at: write a time with its zone, such as 2027",
        ),
        (
            'price: {per: image, usd: "0.02"}',
            'price: {per: second, usd: "0.02"}',
            "models.picture.changes.1.price.per: of kind image it is `per: image`",
        ),
        (
            'price: {per: image, usd: "0.02"}',
            'price: {per: image, used: "0.02"}',
            "models.picture.changes.1.price.used: there is no such field; did you mean 'usd'?",
        ),
        (
            "prices: [{resolution: [2K]",
            "prices: [{resolution: [8K]",
            "aigenway.offers.a/picture/make.changes.0.prices.0.resolution: nobody can ask for '8K'",
        ),
        (
            'prices: [{resolution: [2K], usd: "0.3"}]',
            "prices: []",
            "aigenway.offers.a/picture/make.changes.0.prices: it is empty; add at least one",
        ),
        (
            "credits: 3",
            "credits: 3, changes: [{effective_at: 2026-03-14T12:00:00Z, credits: 0}]",
            "openai.vendor/talk.changes.0.credits: it should be greater than or equal to 1",
        ),
        (
            "pricing: PER_TOKEN",
            'pricing: PER_TOKEN, changes: [{effective_at: 2026-03-14T12:00:00Z, prices: [{usd: "1"}]}]',
            "aigenway.offers.a/talk/say: PER_TOKEN takes the model's own price; remove prices",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_named_with_its_line(old: str, new: str, message: str) -> None:
    text = catalog_text(DEARER, talk=DEARER_TALK, bundles=OTHER_BUNDLES)
    assert old in text
    wrong = text.replace(old, new, 1)
    line = text[: text.index(old)].count("\n") + 1

    with pytest.raises(BadCatalog) as caught:
        parse_catalog(wrong, "catalog.yaml")

    found = caught.value.message.splitlines()
    assert any(one.startswith(f"catalog.yaml:{line}: {message}") for one in found), found


def test_a_catalog_without_changes_has_one_price_for_ever() -> None:
    assert quote("picture", images(), catalog=catalog(), now=LATER).hold_nano == 10_000_000
