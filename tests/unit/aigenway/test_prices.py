"""What estimates tell, and that generations hold just that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dialects.aigenway.errors import PriceNotConfigured
from services.api.dialects.aigenway.mapping import estimate_body, price_items
from services.api.dialects.aigenway.media import request_of
from services.api.dialects.aigenway.params import checked
from services.api.dialects.aigenway.prices import Priced, Wanted, priced
from services.api.dialects.aigenway.targets import Target, Targets
from shared.catalog.load import parse_catalog
from shared.catalog.model import Catalog
from shared.catalog.quotes import MostTokens
from shared.catalog.settle import charge
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.ledger.block import Balance
from shared.tasks.model import OutputFile, TaskRequest
from tests.unit.aigenway.offered import BANANA, CATALOG, KLING, STRICT, TEXT
from tests.unit.catalog.asking import NOON, catalog_text

NOBODY = AccountTerms()


def image(side: int) -> OutputFile:
    return OutputFile(key="images/a/0.png", content_type="image/png", size=9, width=side, height=side)


def wanted(target: Target = BANANA, **params: Any) -> Wanted:
    values = checked(target.table, {"prompt": "a hen", **params}, STRICT)
    return Wanted(target, values, request_of(target.table, values))


def price_of(
    one: Wanted,
    coupon: CouponTerms | None = None,
    account: AccountTerms = NOBODY,
    catalog: Catalog = CATALOG,
) -> Priced:
    return priced(one, catalog, account, coupon, NOON)


def test_a_picture_smaller_than_asked_for_costs_what_its_own_size_costs() -> None:
    asked = wanted(resolution="4K", images_count=2)

    held = price_of(asked).quote

    assert held.hold_nano == 480_000_000
    assert held.tiers == {"512": 80_000_000, "1K": 120_000_000, "2K": 160_000_000}
    assert charge(held, asked.request, [image(4096), image(1024)]) == 360_000_000


def test_half_a_k_is_our_smallest_size() -> None:
    assert wanted(resolution="0.5K").request.resolution == "512"


def test_a_discount_holds_for_smaller_pictures_too() -> None:
    asked = wanted(resolution="2K")

    cheaper = price_of(asked, CouponTerms("TENTH", percent=25)).quote

    assert cheaper.hold_nano == 120_000_000
    assert charge(cheaper, asked.request, [image(1024)]) == 90_000_000


def test_an_estimate_says_what_comes_off_and_how_the_rest_comes_about() -> None:
    told = price_of(
        wanted(resolution="2K", images_count=2),
        CouponTerms("DOLLAR", fixed_nano=100_000_000),
        AccountTerms({"*": 25}),
    )

    assert estimate_body(BANANA, told, Balance(available=140_000_000)) == {
        **BANANA.names,
        "estimated_amount": "14000000",
        "discount_amount": "18000000",
        "currency": "USD",
        "bundle": {"resolution": "2K"},
        "balance_sufficient": True,
        "items": [
            {"text": "image, 2K", "units": 2, "amount": "32000000"},
            {"text": "account discount of 25 %", "units": 1, "amount": "-8000000"},
            {"text": "coupon DOLLAR", "units": 1, "amount": "-10000000"},
        ],
    }


coupons = st.none() | st.one_of(
    st.builds(CouponTerms, code=st.just("C"), percent=st.integers(1, 100)),
    st.builds(CouponTerms, code=st.just("C"), fixed_nano=st.integers(1, 10**9)),
)


@given(
    most_input=st.integers(0, 10**6),
    most_output=st.integers(0, 8192),
    coupon=coupons,
    percent=st.integers(0, 100),
)
def test_the_items_of_an_estimate_add_up_in_the_platform_s_own_units(
    most_input: int, most_output: int, coupon: CouponTerms | None, percent: int
) -> None:
    text = Wanted(TEXT, {}, TaskRequest(prompt=""), MostTokens(most_input, most_output))
    told = price_of(text, coupon, AccountTerms({"*": percent}))

    body = estimate_body(TEXT, told, Balance())

    amounts = [int(item["amount"]) for item in body["items"]]
    estimated, discount = int(body["estimated_amount"]), int(body["discount_amount"])
    assert sum(amounts) == estimated == -(-told.quote.hold_nano // 10)
    assert estimated + discount == sum(amount for amount in amounts if amount > 0)
    assert discount >= 0


def test_seconds_without_a_length_have_no_price() -> None:
    """An operator's offer may leave the duration out of the bundle."""
    text = catalog_text().replace("veo_text_to_video", "kling_text_to_video")
    catalog = parse_catalog(text, "catalog.yaml")
    target = Targets(catalog).find({"method": "a/film/make"})

    with pytest.raises(PriceNotConfigured):
        price_of(wanted(target), catalog=catalog)


def test_a_bundle_without_a_price_is_named_in_the_refusal() -> None:
    with pytest.raises(PriceNotConfigured) as refused:
        price_of(wanted(KLING, mode="standard", resolution="720p", duration_seconds=5))

    assert refused.value.details == {
        **KLING.names,
        "mode": "standard",
        "resolution": "720p",
        "duration": "5",
    }


def test_prices_to_come_are_listed_once_they_count() -> None:
    bundles = '[{resolution: [1K], usd: "0.1"}]\n      changes: [{effective_at: 2026-03-14T12:00:00Z, '
    bundles += 'prices: [{resolution: [1K], usd: "0.2"}]}]'
    target = Targets(parse_catalog(catalog_text(bundles=bundles), "catalog.yaml")).find(
        {"method": "a/picture/make"}
    )

    before = [item["amount"] for item in price_items(target, NOON.replace(hour=11))]
    after = [item["amount"] for item in price_items(target, NOON)]

    assert (before, after) == (["10000000"], ["20000000"])
