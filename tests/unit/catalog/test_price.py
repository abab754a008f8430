"""What requests cost, with the prices that come with the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.catalog.model import TokenPrice
from shared.catalog.price import (
    DurationNeeded,
    NotPricedByRequest,
    charge,
    flat_quote,
    quote,
    text_charge,
    token_quote,
    units_of,
)
from shared.money import usd_from_nano
from shared.tasks.model import OutputFile, Quote, TaskRequest, Tokens

CATALOG = load_catalog(Path(__file__).parents[3] / "deploy" / "catalog.yaml")


def pictures(number: int, width: int = 1024, height: int = 1024) -> list[OutputFile]:
    return [
        OutputFile(
            key=f"images/gen_1/{one}.png", content_type="image/png", size=70, width=width, height=height
        )
        for one in range(number)
    ]


def videos(number: int) -> list[OutputFile]:
    return [
        OutputFile(key=f"videos/gen_1/{one}.mp4", content_type="video/mp4", size=70) for one in range(number)
    ]


@pytest.mark.parametrize(
    ("model", "resolution", "usd"),
    [
        ("nanobanana", None, "0.0100"),
        ("nanobanana", "4K", "0.0100"),
        ("nanobanana-pro", None, "0.0160"),
        ("nanobanana-pro", "1K", "0.0160"),
        ("nanobanana-pro", "2K", "0.0160"),
        ("nanobanana-pro", "4K", "0.0320"),
    ],
)
def test_an_image_has_the_price_of_its_model_and_resolution(
    model: str, resolution: str | None, usd: str
) -> None:
    priced = quote(CATALOG.models[model], TaskRequest(prompt="a hen", resolution=resolution))

    assert usd_from_nano(priced.unit_nano, 4) == usd
    assert (priced.unit, priced.units, priced.hold_nano) == ("image", 1, priced.unit_nano)


def test_the_hold_covers_every_image_asked_for() -> None:
    priced = quote(
        CATALOG.models["nanobanana-pro"], TaskRequest(prompt="a hen", num_outputs=4, resolution="4K")
    )

    assert (priced.units, priced.hold_nano) == (4, 128_000_000)


def test_only_delivered_images_are_charged() -> None:
    request = TaskRequest(prompt="a hen", num_outputs=3)
    priced = quote(CATALOG.models["nanobanana"], request)

    assert [charge(priced, request, pictures(delivered)) for delivered in (0, 1, 2, 3)] == [
        0,
        10_000_000,
        20_000_000,
        30_000_000,
    ]


@given(unit=st.integers(0, 10**12), asked=st.integers(1, 4), delivered=st.integers(0, 50))
def test_the_charge_never_exceeds_the_hold(unit: int, asked: int, delivered: int) -> None:
    request = TaskRequest(prompt="a hen", num_outputs=asked)
    held = Quote(unit="image", unit_nano=unit, units=asked, hold_nano=unit * asked)

    assert charge(held, request, pictures(delivered)) == unit * min(asked, delivered)


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
    request = TaskRequest(prompt="a hen", resolution=asked)
    priced = quote(CATALOG.models["nanobanana-pro"], request)

    assert usd_from_nano(charge(priced, request, pictures(1, *sides)), 4) == usd


def test_each_picture_of_a_task_is_measured_by_itself() -> None:
    request = TaskRequest(prompt="a hen", resolution="4K", num_outputs=2)
    priced = quote(CATALOG.models["nanobanana-pro"], request)

    assert charge(priced, request, [*pictures(1, 4096, 4096), *pictures(1, 2048, 2048)]) == 48_000_000


@pytest.mark.parametrize(
    ("model", "outputs", "seconds", "usd"),
    [
        ("veo3.1", 1, 8, "0.6400"),
        ("veo3.1", 2, 5, "0.8000"),
        ("kling-2.6", 1, 10, "0.7000"),
    ],
)
def test_a_video_is_paid_by_the_second(model: str, outputs: int, seconds: int, usd: str) -> None:
    request = TaskRequest(prompt="a hen", num_outputs=outputs, duration_seconds=seconds)
    priced = quote(CATALOG.models[model], request)

    assert (priced.unit, priced.units, usd_from_nano(priced.hold_nano, 4)) == (
        "second",
        outputs * seconds,
        usd,
    )
    assert charge(priced, request, videos(outputs)) == priced.hold_nano
    assert charge(priced, request, videos(outputs - 1)) == priced.unit_nano * seconds * (outputs - 1)


def test_the_units_of_images_are_the_images() -> None:
    assert units_of("image", TaskRequest(prompt="a hen", duration_seconds=8), 3) == 3


def test_a_video_without_a_duration_has_no_price() -> None:
    with pytest.raises(DurationNeeded):
        quote(CATALOG.models["veo3.1"], TaskRequest(prompt="a hen"))


@pytest.mark.parametrize("model", ["gpt-5-mini", "text-embedding-3-small"])
def test_text_is_not_priced_by_the_request(model: str) -> None:
    with pytest.raises(NotPricedByRequest):
        quote(CATALOG.models[model], TaskRequest(prompt="a hen"))


TALK = TokenPrice(
    per="token",
    usd_per_million_input="0.25",
    usd_per_million_output="2.00",
    usd_per_million_cached_input="0.025",
)


def took(input_tokens: int, output_tokens: int, cached: int = 0) -> Tokens:
    return Tokens(input_tokens=input_tokens, output_tokens=output_tokens, cached_input_tokens=cached)


@pytest.mark.parametrize(
    ("price", "used", "nano"),
    [
        (TALK, took(0, 0), 0),
        (TALK, took(1, 0), 250),
        (TALK, took(1000, 500), 250_000 + 1_000_000),
        (TALK, took(1000, 500, 600), 100_000 + 15_000 + 1_000_000),
        (TALK, took(1000, 0, 5000), 25_000),
        (TokenPrice(per="token", usd_per_million_input="0.0003"), took(1, 0), 1),
        (TokenPrice(per="token", usd_per_million_input="0.02"), took(7, 9), 140),
        (
            TokenPrice(per="token", usd_per_million_input="1", usd_per_million_cached_input="0"),
            took(3, 0, 3),
            0,
        ),
    ],
)
def test_tokens_are_paid_as_measured(price: TokenPrice, used: Tokens, nano: int) -> None:
    held = token_quote(price, 10_000, 10_000)

    assert text_charge(held, used) == nano


def test_the_hold_for_text_covers_all_tokens_it_may_take_uncached() -> None:
    held = token_quote(TALK, 1000, 500)

    assert (held.unit, held.units, held.hold_nano) == ("token", 1500, 1_250_000)


def test_a_flat_price_is_the_same_whatever_the_answer_takes() -> None:
    held = flat_quote(30_000_000, 1)

    assert [text_charge(held, used) for used in (None, took(1, 1), took(10**6, 10**6))] == [30_000_000] * 3


tokens = st.integers(0, 10**9)


@given(most_input=tokens, most_output=tokens, used_input=tokens, used_output=tokens, cached=tokens)
def test_text_never_costs_more_than_was_held(
    most_input: int, most_output: int, used_input: int, used_output: int, cached: int
) -> None:
    held = token_quote(TALK, most_input, most_output)
    charged = text_charge(held, took(used_input, used_output, cached))

    assert 0 <= charged <= held.hold_nano
