"""What holds for every price, request and outcome."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.aigenway_offers import BundlePrice, BundleStep
from shared.catalog.model import Catalog
from shared.catalog.prices import (
    ImagePrice,
    ImageStep,
    Price,
    Rate,
    TokenPrice,
    TokenStep,
    VideoPrice,
    VideoStep,
)
from shared.catalog.quotes import MostTokens
from shared.catalog.rate import Offer
from shared.catalog.settle import charge, seconds_of, text_charge
from shared.catalog.sizes import ORDER
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.money import usd_from_nano
from shared.tasks.model import OutputFile, Quote, TaskRequest, Tokens
from tests.unit.catalog.asking import bundle, catalog, films, images, quote, took, video

SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
PLAIN = catalog()


def usd(most_nano: int = 10**9) -> st.SearchStrategy[str]:
    return st.integers(0, most_nano).map(lambda nano: usd_from_nano(nano, 9))


def steps_of(step: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    aboves = st.lists(st.integers(1, 12), unique=True, max_size=3).map(sorted)
    return aboves.flatmap(
        lambda some: st.tuples(*(st.builds(step, above=st.just(above), **fields) for above in some))
    )


by_resolution = st.dictionaries(st.sampled_from(ORDER), usd())
rates = {"usd": usd(), "by_resolution": by_resolution}
qualities = st.dictionaries(st.sampled_from(["low", "high"]), st.builds(Rate, **rates))
image_prices = st.builds(
    ImagePrice,
    per=st.just("image"),
    by_quality=qualities,
    steps=steps_of(ImageStep, by_quality=qualities, **rates),
    minimum_usd=usd(),
    **rates,
)
video_prices = st.builds(
    VideoPrice, per=st.just("second"), steps=steps_of(VideoStep, **rates), minimum_usd=usd(), **rates
)
bundle_prices = st.tuples(
    *(
        st.builds(
            BundlePrice,
            resolution=st.just(("0.5K" if size == "512" else size,)),
            usd=usd(),
            steps=steps_of(BundleStep, usd=usd()),
            minimum_usd=usd(),
        )
        for size in ORDER
    )
)
accounts = st.dictionaries(st.sampled_from(["picture", "*"]), st.integers(0, 100)).map(AccountTerms)
coupons = st.one_of(
    st.none(),
    st.builds(CouponTerms, code=st.just("C"), percent=st.integers(1, 100)),
    st.builds(CouponTerms, code=st.just("C"), fixed_nano=st.integers(1, 2 * 10**9)),
)
sizes = st.sampled_from([None, *ORDER])
delivered = st.lists(sizes, max_size=6)
counts = st.integers(1, 12)


@st.composite
def token_prices(draw: st.DrawFn) -> TokenPrice:
    """Each step costs at least what the one before it costs."""

    def rate(before: tuple[int, int, int]) -> tuple[int, int, int]:
        given_, out, cached = (draw(st.integers(least, least + 10**9)) for least in before)
        return max(given_, cached), out, cached

    def fields(rate: tuple[int, int, int]) -> dict[str, str]:
        given_, out, cached = (usd_from_nano(nano, 9) for nano in rate)
        return {
            "usd_per_million_input": given_,
            "usd_per_million_output": out,
            "usd_per_million_cached_input": cached,
        }

    now = rate((0, 0, 0))
    first = fields(now)
    steps = []
    for above in draw(st.lists(st.integers(1, 2000), unique=True, max_size=3).map(sorted)):
        now = rate(now)
        steps.append(TokenStep(above=above, **fields(now)))
    return TokenPrice(per="token", steps=tuple(steps), minimum_usd=draw(usd(10**6)), **first)


def selling(model: str, price: Price) -> Catalog:
    entry = PLAIN.models[model].model_copy(update={"price": price})
    return PLAIN.model_copy(update={"models": {**PLAIN.models, model: entry}})


def with_bundles(prices: tuple[BundlePrice, ...]) -> Catalog:
    offers = PLAIN.aigenway.offers
    sold = offers["a/picture/make"].model_copy(update={"prices": prices})
    aigenway = PLAIN.aigenway.model_copy(update={"offers": {**offers, "a/picture/make": sold}})
    return PLAIN.model_copy(update={"aigenway": aigenway})


def outputs(sizes: list[str | None]) -> list[OutputFile]:
    return [
        OutputFile(
            key=f"{number}.png",
            content_type="image/png",
            size=9,
            width=SIDES[size] if size else None,
            height=SIDES[size] if size else None,
        )
        for number, size in enumerate(sizes)
    ]


def smaller_by_one(size: str | None) -> str | None:
    return ORDER[max(ORDER.index(size) - 1, 0)] if size else "2K"


def check_outcomes(held: Quote, request: TaskRequest, came: list[str | None], place: int) -> None:
    """Less, or smaller, never costs more; nothing costs nothing; the whole is the hold at most."""
    kept = Quote.model_validate(held.model_dump(exclude_none=True))
    cost = charge(kept, request, outputs(came))
    assert 0 <= cost <= held.hold_nano
    assert charge(kept, request, []) == 0
    assert charge(kept, request, outputs([None] * request.num_outputs)) == held.hold_nano
    assert sum(item.amount_nano for item in held.items) == held.hold_nano
    assert charge(kept, request, outputs(list(reversed(came)))) == cost
    if came:
        at = place % len(came)
        less = [*came[:at], *came[at + 1 :]]
        smaller = [*came[:at], smaller_by_one(came[at]), *came[at + 1 :]]
        assert charge(kept, request, outputs(less)) <= cost
        assert charge(kept, request, outputs(smaller)) <= cost


@given(
    price=image_prices,
    count=counts,
    resolution=sizes,
    quality=st.sampled_from([None, "low", "high"]),
    account=accounts,
    coupon=coupons,
    came=delivered,
    place=st.integers(0, 5),
)
def test_images_never_cost_more_than_was_held_and_less_never_costs_more(
    price: ImagePrice,
    count: int,
    resolution: str | None,
    quality: str | None,
    account: AccountTerms,
    coupon: CouponTerms | None,
    came: list[str | None],
    place: int,
) -> None:
    request = images(count, resolution, quality)
    sold = selling("picture", price)
    held = quote("picture", request, catalog=sold, account=account, coupon=coupon)

    check_outcomes(held, request, came, place)
    more = quote(
        "picture", images(count + 1, resolution, quality), catalog=sold, account=account, coupon=coupon
    )
    assert more.hold_nano >= held.hold_nano


@given(
    prices=bundle_prices,
    size=st.sampled_from(ORDER),
    count=counts,
    account=accounts,
    coupon=coupons,
    came=delivered,
    place=st.integers(0, 5),
)
def test_bundles_never_cost_more_than_was_held_and_less_never_costs_more(
    prices: tuple[BundlePrice, ...],
    size: str,
    count: int,
    account: AccountTerms,
    coupon: CouponTerms | None,
    came: list[str | None],
    place: int,
) -> None:
    sold = with_bundles(prices)
    offer = bundle("a/picture/make", resolution="0.5K" if size == "512" else size)
    holds = [
        quote(offer, images(number, size), catalog=sold, account=account, coupon=coupon)
        for number in (count, count + 1)
    ]

    check_outcomes(holds[0], images(count, size), came, place)
    assert holds[1].hold_nano >= holds[0].hold_nano


@given(
    price=video_prices,
    seconds=st.integers(1, 12),
    count=st.integers(1, 4),
    account=accounts,
    coupon=coupons,
    came=st.integers(0, 6),
)
def test_seconds_never_cost_more_than_was_held_and_fewer_never_cost_more(
    price: VideoPrice,
    seconds: int,
    count: int,
    account: AccountTerms,
    coupon: CouponTerms | None,
    came: int,
) -> None:
    sold = selling("film", price)

    def held(seconds: int, count: int) -> Quote:
        return quote("film", video(seconds, count), catalog=sold, account=account, coupon=coupon)

    check_outcomes(held(seconds, count), video(seconds, count), [None] * came, came)
    assert held(seconds, count).hold_nano <= held(seconds + 1, count).hold_nano
    assert held(seconds, count).hold_nano <= held(seconds, count + 1).hold_nano


@given(
    price=video_prices,
    seconds=st.integers(1, 12),
    account=accounts,
    coupon=coupons,
    came=st.lists(st.one_of(st.none(), st.integers(1, 15_000)), min_size=1, max_size=4),
    place=st.integers(0, 3),
    off=st.integers(1, 15_000),
)
def test_a_shorter_video_never_costs_more_than_a_longer_one_or_than_the_one_asked_for(
    price: VideoPrice,
    seconds: int,
    account: AccountTerms,
    coupon: CouponTerms | None,
    came: list[int | None],
    place: int,
    off: int,
) -> None:
    request = video(seconds, len(came))
    held = quote("film", request, catalog=selling("film", price), account=account, coupon=coupon)
    at = place % len(came)
    shorter = [*came[:at], max((came[at] or seconds * 1000) - off, 1), *came[at + 1 :]]
    cost = charge(held, request, films(*came))

    assert 0 <= charge(held, request, films(*shorter)) <= cost <= held.hold_nano
    assert charge(held, request, films(*reversed(came))) == cost
    assert charge(held, request, films(*[seconds * 1000] * len(came))) == held.hold_nano


@given(asked=st.integers(1, 60), came=st.integers(1, 70_000))
def test_a_whole_second_that_is_missing_is_never_charged(asked: int, came: int) -> None:
    counted = seconds_of(video(asked), *films(came))

    assert 1 <= counted <= asked
    assert (counted < asked) == (came <= asked * 1000 - 750 and asked > 1)


tokens = st.integers(0, 4000)


@given(
    price=token_prices(),
    most=st.builds(MostTokens, tokens, tokens),
    used=st.builds(took, tokens, tokens, tokens),
    more=st.sampled_from(["input_tokens", "output_tokens"]),
    account=accounts,
    coupon=coupons,
)
def test_tokens_never_cost_more_than_was_held_and_more_never_cost_less(
    price: TokenPrice,
    most: MostTokens,
    used: Tokens,
    more: str,
    account: AccountTerms,
    coupon: CouponTerms | None,
) -> None:
    sold = selling("talk", price)
    offer: Offer = bundle("a/talk/say")

    def hold(most: MostTokens) -> Quote:
        return quote(offer, TaskRequest(prompt=""), most=most, catalog=sold, account=account, coupon=coupon)

    held = Quote.model_validate(hold(most).model_dump(exclude_none=True))
    cost = text_charge(held, used)
    one_more = used.model_copy(update={more: getattr(used, more) + 1})
    within = used.input_tokens <= most.input and used.output_tokens <= most.output

    assert 0 <= cost <= held.hold_nano
    assert sum(item.amount_nano for item in held.items) == held.hold_nano
    assert text_charge(held, one_more) >= cost
    assert hold(MostTokens(most.input + 1, most.output)).hold_nano >= held.hold_nano
    assert hold(MostTokens(most.input, most.output + 1)).hold_nano >= held.hold_nano
    if within:
        # The hold is never what bounds it.
        unbounded = held.model_copy(update={"hold_nano": 10**18})
        assert text_charge(unbounded, used) == cost


@given(nano=st.integers(0, 10**12), percent=st.integers(1, 100))
def test_a_percentage_is_exact_to_a_nano_in_our_favour(nano: int, percent: int) -> None:
    sold = selling("picture", ImagePrice(per="image", usd=usd_from_nano(nano, 9)))

    held = quote("picture", images(), catalog=sold, account=AccountTerms({"*": percent}))

    assert 0 <= held.hold_nano * 100 - nano * (100 - percent) < 100
