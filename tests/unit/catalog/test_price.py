"""What requests cost, with the prices that come with the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.load import load_catalog
from shared.catalog.price import charge, quote
from shared.money import usd_from_nano
from shared.tasks.model import Quote, TaskRequest

CATALOG = load_catalog(Path(__file__).parents[3] / "deploy" / "catalog.yaml")


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
    assert priced == Quote(unit="image", unit_nano=priced.unit_nano, units=1, hold_nano=priced.unit_nano)


def test_the_hold_covers_every_image_asked_for() -> None:
    priced = quote(
        CATALOG.models["nanobanana-pro"], TaskRequest(prompt="a hen", num_outputs=4, resolution="4K")
    )

    assert (priced.units, priced.hold_nano) == (4, 128_000_000)


def test_only_delivered_images_are_charged() -> None:
    priced = quote(CATALOG.models["nanobanana"], TaskRequest(prompt="a hen", num_outputs=3))

    assert [charge(priced, delivered) for delivered in (0, 1, 2, 3)] == [
        0,
        10_000_000,
        20_000_000,
        30_000_000,
    ]


@given(unit=st.integers(0, 10**12), asked=st.integers(1, 4), delivered=st.integers(0, 50))
def test_the_charge_never_exceeds_the_hold(unit: int, asked: int, delivered: int) -> None:
    held = Quote(unit="image", unit_nano=unit, units=asked, hold_nano=unit * asked)

    assert charge(held, delivered) == unit * min(asked, delivered)
