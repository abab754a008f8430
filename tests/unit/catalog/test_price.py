"""What requests cost, and what their tasks are charged in the end."""

from __future__ import annotations

import pytest

from shared.catalog.discounts import CouponDoesNotApply
from shared.catalog.quotes import MostTokens
from shared.catalog.rate import DurationNeeded, NotPricedByRequest, PriceMissing
from shared.catalog.settle import charge, seconds_of, text_charge, unit_cost, units_of
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.money import usd_from_nano
from shared.tasks.model import TaskRequest, Tokens
from tests.unit.catalog.asking import (
    NOTHING_SAID,
    bundle,
    catalog,
    credits_for,
    films,
    images,
    pictures,
    quote,
    took,
    video,
    videos,
)


def test_the_hold_covers_every_image_asked_for() -> None:
    held = quote("nanobanana-pro", images(4, "4K"))

    assert (held.unit, held.units, held.hold_nano) == ("image", 4, 128_000_000)


def test_only_delivered_images_are_charged() -> None:
    request = images(3)
    held = quote("nanobanana", request)

    charged = [charge(held, request, pictures(delivered)) for delivered in (0, 1, 2, 3, 4)]

    assert charged == [0, 10_000_000, 20_000_000, 30_000_000, 30_000_000]


@pytest.mark.parametrize(
    ("asked", "sides", "usd"),
    [
        ("4K", (5504, 3072), "0.0320"),
        ("4K", (3840, 2160), "0.0320"),
        ("4K", (2752, 1536), "0.0160"),
        ("4K", (1024, 1024), "0.0160"),
        ("2K", (1024, 1024), "0.0160"),
        ("1K", (4096, 4096), "0.0160"),
        (None, (4096, 4096), "0.0160"),
    ],
)
def test_a_picture_smaller_than_asked_for_has_the_price_of_its_own_size(
    asked: str | None, sides: tuple[int, int], usd: str
) -> None:
    request = images(1, asked)
    held = quote("nanobanana-pro", request)

    assert usd_from_nano(charge(held, request, pictures(1, *sides)), 4) == usd


def test_each_picture_of_a_task_is_measured_by_itself() -> None:
    request = images(2, "4K")
    held = quote("nanobanana-pro", request)

    assert charge(held, request, [*pictures(1, 4096, 4096), *pictures(1, 2048, 2048)]) == 48_000_000


def test_a_smaller_size_never_costs_more_than_a_larger_one() -> None:
    oddly = catalog(picture='{per: image, usd: "9", by_resolution: {2K: "2", 1K: "5", 4K: "4"}}')
    request = images(1, "4K")
    held = quote("picture", request, catalog=oddly)

    assert held.tiers == {"2K": 2_000_000_000, "1K": 2_000_000_000, "512": 2_000_000_000}


@pytest.mark.parametrize(
    ("model", "outputs", "seconds", "usd"),
    [("veo3.1", 2, 5, "0.8000"), ("kling-2.6", 1, 10, "0.7000")],
)
def test_a_video_is_paid_by_the_second(model: str, outputs: int, seconds: int, usd: str) -> None:
    request = video(seconds, outputs)
    held = quote(model, request)

    assert (held.unit, held.units, usd_from_nano(held.hold_nano, 4)) == ("second", outputs * seconds, usd)
    assert charge(held, request, videos(outputs)) == held.hold_nano
    assert charge(held, request, videos(outputs - 1)) == held.unit_nano * seconds * (outputs - 1)


@pytest.mark.parametrize(
    ("unit", "outputs", "units"), [("image", 3, 3), ("second", 3, 24), ("request", 3, 1), ("request", 0, 0)]
)
def test_units_are_images_seconds_or_the_request(unit: str, outputs: int, units: int) -> None:
    assert units_of(unit, TaskRequest(prompt="a hen", duration_seconds=8), videos(outputs)) == units


@pytest.mark.parametrize(
    ("asked", "came", "counted"),
    [
        (5, None, 5),
        (5, 4_960, 5),
        (5, 5_000, 5),
        (5, 5_040, 5),
        (5, 60_000, 5),
        (5, 4_251, 5),
        (5, 4_250, 4),
        (5, 4_000, 4),
        (10, 5_040, 5),
        (5, 2_500, 3),
        (5, 1, 1),
        (None, 5_000, 0),
    ],
)
def test_seconds_that_did_not_come_do_not_count(asked: int | None, came: int | None, counted: int) -> None:
    request = TaskRequest(prompt="a hen", duration_seconds=asked)
    (film,) = films(came)

    assert seconds_of(request, film) == counted
    assert units_of("second", request, [film, film]) == 2 * counted


def test_a_shorter_video_costs_what_its_seconds_cost() -> None:
    request = video(8, 2)
    held = quote("veo3.1", request)

    assert charge(held, request, films(8_000, 4_000)) == 12 * held.unit_nano
    assert charge(held, request, films(None, 9_000)) == held.hold_nano


def test_a_video_that_is_paid_by_the_request_costs_the_same_however_long() -> None:
    held = quote("veo3.1", video(8)).model_copy(
        update={"unit": "request", "units": 1, "hold_nano": 80_000_000}
    )

    assert charge(held, video(8), films(1_000)) == held.hold_nano


def test_a_video_without_a_duration_has_no_price() -> None:
    with pytest.raises(DurationNeeded):
        quote("veo3.1")
    with pytest.raises(PriceMissing):
        quote(bundle("a/film/make"), catalog=catalog())


@pytest.mark.parametrize("model", ["gpt-5-mini", "text-embedding-3-small"])
def test_text_is_not_priced_by_the_request(model: str) -> None:
    with pytest.raises(NotPricedByRequest):
        quote(model)


def test_quality_has_prices_of_its_own() -> None:
    priced = catalog(
        picture='{per: image, usd: "1", by_resolution: {4K: "4"}, by_quality: '
        '{low: {usd: "0.5", by_resolution: {4K: "2"}}}}'
    )
    asked = [
        images(1),
        images(1, "4K"),
        images(1, None, "low"),
        images(1, "4K", "low"),
        images(1, "4K", "high"),
    ]

    holds = [quote("picture", request, catalog=priced).hold_nano for request in asked]

    assert holds == [1_000_000_000, 4_000_000_000, 500_000_000, 2_000_000_000, 4_000_000_000]


STEPS = (
    '{per: image, usd: "0.10", by_resolution: {4K: "0.30"}, minimum_usd: "0.15", steps: '
    '[{above: 2, usd: "0.08", by_resolution: {4K: "0.20"}}, '
    '{above: 3, usd: "0.12", by_resolution: {4K: "0.10"}}]}'
)


@pytest.mark.parametrize(
    ("count", "resolution", "hold"),
    [(1, None, 150), (2, None, 200), (3, None, 280), (4, None, 400), (2, "4K", 600), (4, "4K", 900)],
)
def test_further_images_have_prices_of_their_own(count: int, resolution: str | None, hold: int) -> None:
    request = images(count, resolution)
    held = quote("picture", request, catalog=catalog(picture=STEPS))

    assert held.hold_nano == hold * 1_000_000
    assert charge(held, request, pictures(count, 4096, 4096)) == held.hold_nano


def test_the_largest_pictures_are_counted_first() -> None:
    request = images(3, "4K")
    held = quote("picture", request, catalog=catalog(picture=STEPS))

    small_first = [*pictures(2, 1024, 1024), *pictures(1, 4096, 4096)]
    large_first = list(reversed(small_first))

    assert charge(held, request, small_first) == charge(held, request, large_first) == 480_000_000


def test_steps_of_seconds_count_all_videos_of_a_request() -> None:
    priced = catalog(film='{per: second, usd: "0.10", steps: [{above: 8, usd: "0.05"}]}')
    request = video(6, 2)
    held = quote("film", request, catalog=priced)

    assert held.hold_nano == 8 * 100_000_000 + 4 * 50_000_000
    assert charge(held, request, videos(1)) == 600_000_000


def test_a_minimum_is_paid_when_something_was_delivered() -> None:
    request = images(1)
    held = quote("picture", request, catalog=catalog(picture=STEPS))

    assert charge(held, request, []) == 0
    assert charge(held, request, pictures(1)) == 150_000_000


@pytest.mark.parametrize(
    ("model", "most", "used", "nano"),
    [
        ("gpt-5-mini", (10_000, 10_000), took(0, 0), 0),
        ("gpt-5-mini", (10_000, 10_000), took(1, 0), 250),
        ("gpt-5-mini", (10_000, 10_000), took(1000, 500), 250_000 + 1_000_000),
        ("gpt-5-mini", (10_000, 10_000), took(1000, 500, 600), 100_000 + 15_000 + 1_000_000),
        ("gpt-5-mini", (10_000, 10_000), took(1000, 0, 5000), 25_000),
        ("gpt-5-mini", (1000, 0), took(5000, 9), 250_000),
    ],
)
def test_tokens_are_paid_as_measured(model: str, most: tuple[int, int], used: Tokens, nano: int) -> None:
    priced = catalog(
        talk='{per: token, usd_per_million_input: "0.25", usd_per_million_output: "2.00", '
        'usd_per_million_cached_input: "0.025"}'
    )
    held = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(*most), catalog=priced)

    assert text_charge(held, used) == nano


def test_parts_of_a_nano_are_rounded_up() -> None:
    priced = catalog(talk='{per: token, usd_per_million_input: "0.0003", usd_per_million_output: "1"}')
    held = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(10, 0), catalog=priced)

    assert (text_charge(held, took(1, 0)), held.hold_nano) == (1, 3)


LONG = (
    '{per: token, usd_per_million_input: "1", usd_per_million_output: "10", minimum_usd: "0.00001", steps: '
    '[{above: 1000, usd_per_million_input: "2", usd_per_million_output: "15"}]}'
)


@pytest.mark.parametrize(
    ("used", "nano"),
    [
        (took(1, 0), 10_000),
        (took(1000, 100), 1_000_000 + 1_000_000),
        (took(1001, 100), 2_002_000 + 1_500_000),
        (None, 4_000_000 + 15_000_000),
    ],
)
def test_long_inputs_have_prices_of_their_own(used: Tokens | None, nano: int) -> None:
    held = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(2000, 1000), catalog=catalog(talk=LONG))

    assert (held.unit, held.units, held.hold_nano) == ("token", 3000, 19_000_000)
    assert text_charge(held, used) == nano


def test_a_short_request_keeps_no_prices_of_long_ones() -> None:
    held = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(1000, 0), catalog=catalog(talk=LONG))

    assert (held.token_steps, held.hold_nano) == ((), 1_000_000)


def test_a_price_in_credits_is_the_same_whatever_the_answer_takes() -> None:
    held = quote(credits_for("openai/gpt-5"), NOTHING_SAID)

    assert (held.unit, held.units, held.hold_nano) == ("request", 1, 30_000_000)
    assert [text_charge(held, used) for used in (None, took(1, 1), took(10**6, 10**6))] == [30_000_000] * 3


def test_a_price_per_request_does_not_count_its_images() -> None:
    request = images(3)
    held = quote(bundle("a/picture/flat", resolution="1K"), request, catalog=catalog())

    assert (held.unit, held.units, held.hold_nano) == ("request", 1, 500_000_000)
    assert [charge(held, request, pictures(number)) for number in (0, 1, 3)] == [0, 500_000_000, 500_000_000]


def test_a_bundle_may_have_steps_and_a_minimum() -> None:
    priced = catalog(
        bundles='[{resolution: [4K], usd: "0.4", steps: [{above: 1, usd: "0.3"}]}, '
        '{resolution: [1K], usd: "0.2", minimum_usd: "0.25", steps: [{above: 2, usd: "0.1"}]}]'
    )
    request = images(4, "4K")
    held = quote(bundle("a/picture/make", resolution="4K"), request, catalog=priced)

    assert held.hold_nano == 1_300_000_000
    assert charge(held, request, pictures(4)) == 600_000_000
    assert (
        quote(bundle("a/picture/make", resolution="1K"), images(1), catalog=priced).hold_nano == 250_000_000
    )
    with pytest.raises(PriceMissing):
        quote(bundle("a/picture/make", resolution="2K"), images(1), catalog=priced)
    with pytest.raises(PriceMissing):
        quote(bundle("a/picture/make"), images(1), catalog=priced)


FRIEND = AccountTerms({"nanobanana": 20, "*": 50})
TENTH = CouponTerms("TENTH", percent=10)
CENT = CouponTerms("CENT", fixed_nano=10_000_000)


@pytest.mark.parametrize(
    ("account", "coupon", "hold"),
    [
        (FRIEND, None, 32_000_000),
        (FRIEND, TENTH, 28_800_000),
        (FRIEND, CENT, 22_000_000),
        (AccountTerms(), TENTH, 36_000_000),
        (AccountTerms(), CouponTerms("BIG", fixed_nano=10**12), 0),
        (AccountTerms({"nanobanana": 100}), TENTH, 0),
        (AccountTerms({"*": 25}), None, 30_000_000),
        (AccountTerms({"veo3.1": 25}), None, 40_000_000),
    ],
)
def test_what_is_agreed_with_the_account_comes_off_before_the_coupon(
    account: AccountTerms, coupon: CouponTerms | None, hold: int
) -> None:
    request = images(4)
    held = quote("nanobanana", request, account=account, coupon=coupon)

    assert held.hold_nano == hold
    assert charge(held, request, pictures(4)) == hold
    assert sum(item.amount_nano for item in held.items) == hold


def test_an_amount_off_comes_off_in_full_however_little_was_delivered() -> None:
    request = images(4)
    held = quote("nanobanana", request, coupon=CENT)

    assert [charge(held, request, pictures(number)) for number in (0, 1, 2, 4)] == [
        0,
        0,
        10_000_000,
        30_000_000,
    ]


def test_percents_are_rounded_in_our_favour_by_less_than_a_nano() -> None:
    priced = catalog(picture='{per: image, usd: "0.000000010"}')

    held = quote("picture", images(1), catalog=priced, account=AccountTerms({"*": 33}))

    assert held.hold_nano == 7


@pytest.mark.parametrize(
    ("coupon", "message"),
    [
        (CouponTerms("VEO", percent=5, models=frozenset({"veo3.1"})), "for other models"),
        (CouponTerms("LOT", percent=5, minimum_nano=32_000_001), "at least 0.032000001 USD"),
    ],
)
def test_a_coupon_for_something_else_is_refused(coupon: CouponTerms, message: str) -> None:
    with pytest.raises(CouponDoesNotApply, match=message) as refused:
        quote("nanobanana", images(4), account=FRIEND, coupon=coupon)

    assert (refused.value.code, refused.value.status) == ("coupon_invalid", 422)
    assert refused.value.details == {"coupon": coupon.code}


def test_the_least_that_a_coupon_asks_for_is_what_is_left_after_the_account_s_own() -> None:
    coupon = CouponTerms("LOT", percent=5, minimum_nano=32_000_000)

    assert quote("nanobanana", images(4), account=FRIEND, coupon=coupon).hold_nano == 30_400_000


def test_a_quote_says_how_it_comes_about() -> None:
    held = quote(
        "picture",
        images(3, "4K"),
        catalog=catalog(picture=STEPS),
        account=AccountTerms({"*": 10}),
        coupon=CENT,
    )

    assert [(item.text, item.units, item.amount_nano) for item in held.items] == [
        ("image, 4K", 2, 600_000_000),
        ("image, 4K, beyond 2", 1, 200_000_000),
        ("account discount of 10 %", 1, -80_000_000),
        ("coupon CENT", 1, -10_000_000),
    ]


def test_a_quote_names_the_minimum_and_the_tokens() -> None:
    small = quote("picture", images(1), catalog=catalog(picture=STEPS))
    text = quote(bundle("a/talk/say"), NOTHING_SAID, most=MostTokens(2000, 1000), catalog=catalog(talk=LONG))

    assert [(item.text, item.amount_nano) for item in small.items] == [
        ("image", 100_000_000),
        ("up to the minimum", 50_000_000),
    ]
    assert [(item.text, item.units, item.amount_nano) for item in text.items] == [
        ("input token", 2000, 4_000_000),
        ("output token", 1000, 15_000_000),
    ]


def test_the_cost_of_a_unit_has_percents_taken_off() -> None:
    assert unit_cost(quote("nanobanana", images(4), account=FRIEND, coupon=CENT)) == 8_000_000
