"""What can be priced, and a price that was found for it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.catalog.aigenway_offers import Bundle
from shared.catalog.units import Band
from shared.errors import HatcheryError
from shared.tasks.model import TaskRequest, TokenPrices, TokenStep


class PriceMissing(HatcheryError):
    """There is no price for this request"""

    code, status = "price_not_configured", 422


class NotPricedByRequest(HatcheryError):
    """This model has a price per token; it takes no images or videos to make."""


class DurationNeeded(HatcheryError):
    """A video has a price per second: say how long it is to be."""


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model at its own price, as the EggAPI dialect sells it."""

    model: str


@dataclass(frozen=True, slots=True)
class CreditOffer:
    """An offer of the OpenAI-style dialect, by its public id."""

    public_id: str


@dataclass(frozen=True, slots=True)
class BundleOffer:
    """An offer of the Aigenway dialect, as `provider/model/method`, and the words of its dimensions."""

    offer_id: str
    bundle: Bundle


Offer = ModelOffer | CreditOffer | BundleOffer


@dataclass(frozen=True, slots=True)
class UnitRate:
    """A price that counts units: images, seconds or requests."""

    model: str
    unit: str
    units: int
    bands: tuple[Band, ...]
    """From the first unit on."""
    minimum_nano: int = 0
    words: str = ""
    """What the price depended on."""


@dataclass(frozen=True, slots=True)
class TokensRate:
    """A price that counts tokens."""

    model: str
    prices: TokenPrices
    steps: tuple[TokenStep, ...]
    minimum_nano: int


def counted(unit: str, request: TaskRequest) -> int:
    """How many units are asked for."""
    if unit == "request":
        return 1
    return request.num_outputs * (request.duration_seconds or 0) if unit == "second" else request.num_outputs
