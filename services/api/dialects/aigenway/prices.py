"""What a request costs, for estimates and generations alike, in this dialect's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.api.dialects.aigenway.errors import PriceNotConfigured
from services.api.dialects.aigenway.targets import Target
from shared.catalog.model import Catalog
from shared.catalog.price import PriceRequest, price
from shared.catalog.quotes import NO_TOKENS, MostTokens
from shared.catalog.rate import BundleOffer, PriceMissing
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.tasks.model import Quote, TaskRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked request: what providers are asked for, and what its price depends on beside that."""

    target: Target
    params: Mapping[str, Any]
    request: TaskRequest
    most: MostTokens = NO_TOKENS

    @property
    def bundle(self) -> dict[str, Any]:
        """The dimensions of the price and their words; one that was not given is missing here too."""
        table = self.target.table
        named = ((dimension, table.of_dimension(dimension)) for dimension in self.target.offer.dimensions)
        return {
            dimension.value: self.params[parameter.name]
            for dimension, parameter in named
            if parameter is not None and parameter.name in self.params
        }


@dataclass(frozen=True, slots=True)
class Priced:
    """The quote of a request, and its bundle."""

    quote: Quote
    bundle: dict[str, Any]


def priced(
    wanted: Wanted, catalog: Catalog, account: AccountTerms, coupon: CouponTerms | None, now: datetime
) -> Priced:
    """What the request costs at most. Raises PriceNotConfigured and CouponDoesNotApply."""
    bundle = wanted.bundle
    words = {name: str(word) for name, word in bundle.items()}
    asked = PriceRequest(BundleOffer(wanted.target.offer_id, words), wanted.request, wanted.most)
    try:
        return Priced(price(asked, catalog, account, coupon, now), bundle)
    except PriceMissing as error:
        raise PriceNotConfigured(None, {**wanted.target.names, **words}) from error
