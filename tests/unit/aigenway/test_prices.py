"""What requests cost, and what coupons take off."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dialects.aigenway.errors import PriceNotConfigured
from services.api.dialects.aigenway.media import request_of
from services.api.dialects.aigenway.params import checked
from services.api.dialects.aigenway.prices import MostTokens, priced
from shared.catalog.aigenway_offers import BundlePrice, Pricing
from shared.catalog.price import charge
from shared.catalog.terms import CouponTerms
from shared.tasks.model import OutputFile, TaskRequest
from tests.unit.aigenway.offered import BANANA, KLING, STRICT, TEXT


def image(side: int) -> OutputFile:
    return OutputFile(key="images/a/0.png", content_type="image/png", size=9, width=side, height=side)


def banana(**params: Any) -> tuple[dict[str, Any], TaskRequest]:
    values = checked(BANANA.table, {"prompt": "a hen", **params}, STRICT)
    return values, request_of(BANANA.table, values)


def test_a_picture_smaller_than_asked_for_costs_what_its_own_size_costs() -> None:
    values, request = banana(resolution="4K", images_count=2)

    held = priced(BANANA, values, request, None).quote

    assert held.hold_nano == 480_000_000
    assert held.tiers == {"512": 80_000_000, "1K": 120_000_000, "2K": 160_000_000}
    assert charge(held, request, [image(4096), image(1024)]) == 360_000_000


def test_half_a_k_is_our_smallest_size() -> None:
    _, request = banana(resolution="0.5K")

    assert request.resolution == "512"


def test_a_discount_holds_for_smaller_pictures_too() -> None:
    values, request = banana(resolution="2K")

    cheaper = priced(BANANA, values, request, CouponTerms("TENTH", percent=25))

    assert (cheaper.quote.hold_nano, cheaper.discount_nano) == (120_000_000, 40_000_000)
    assert charge(cheaper.quote, request, [image(1024)]) == 90_000_000


@given(
    resolution=st.sampled_from(["0.5K", "1K", "2K", "4K"]),
    count=st.integers(1, 4),
    percent=st.integers(1, 100),
)
def test_discount_and_hold_are_the_full_price(resolution: str, count: int, percent: int) -> None:
    values, request = banana(resolution=resolution, images_count=count)

    full = priced(BANANA, values, request, None)
    cheaper = priced(BANANA, values, request, CouponTerms("TENTH", percent=percent))

    assert cheaper.quote.hold_nano + cheaper.discount_nano == full.quote.hold_nano
    assert 0 <= cheaper.quote.hold_nano < full.quote.hold_nano
    assert all(nano <= cheaper.quote.unit_nano for nano in cheaper.quote.tiers.values())


@given(most_input=st.integers(0, 10**6), most_output=st.integers(0, 8192), percent=st.integers(1, 100))
def test_a_discount_on_tokens_never_makes_them_dearer(
    most_input: int, most_output: int, percent: int
) -> None:
    most, nothing = MostTokens(most_input, most_output), TaskRequest(prompt="")

    full = priced(TEXT, {}, nothing, None, most)
    cheaper = priced(TEXT, {}, nothing, CouponTerms("TENTH", percent=percent), most)

    assert cheaper.quote.hold_nano + cheaper.discount_nano == full.quote.hold_nano
    assert cheaper.discount_nano >= 0


def test_seconds_without_a_length_have_no_price() -> None:
    """An operator's offer may leave the duration out of the bundle."""
    offer = KLING.offer.model_copy(update={"dimensions": (), "prices": (BundlePrice(usd="0.1"),)})
    target = type(KLING)(KLING.provider, KLING.model, KLING.method, offer, KLING.entry, KLING.table)

    with pytest.raises(PriceNotConfigured):
        priced(target, {"prompt": "a hen"}, TaskRequest(prompt="a hen"), None)


def test_a_price_per_request_is_flat() -> None:
    offer = BANANA.offer.model_copy(update={"pricing": Pricing.PER_REQUEST})
    target = type(BANANA)(BANANA.provider, BANANA.model, BANANA.method, offer, BANANA.entry, BANANA.table)
    values, request = banana(images_count=3)

    held = priced(target, values, request, None).quote

    assert held.hold_nano == 120_000_000
    assert charge(held, request, [image(1024)] * 3) == 120_000_000
