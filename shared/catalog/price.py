"""What a request costs: the one way, of estimates and of all that is accepted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.catalog.discounts import discounts_of
from shared.catalog.model import Catalog
from shared.catalog.quotes import NO_TOKENS, MostTokens, gross_of, quote_of
from shared.catalog.rate import Offer
from shared.catalog.rates import rate_of
from shared.catalog.terms import AccountTerms, CouponTerms
from shared.tasks.model import Quote, TaskRequest


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """What is to be priced: something on offer, and how much of it."""

    offer: Offer
    request: TaskRequest
    most: MostTokens = NO_TOKENS
    """Of text."""


def price(
    request: PriceRequest, catalog: Catalog, account: AccountTerms, coupon: CouponTerms | None, now: datetime
) -> Quote:
    """The most that the request may cost, to be held, with everything that its charge will be made from.

    Raises PriceMissing, NotPricedByRequest, DurationNeeded and CouponDoesNotApply.
    """
    rate = rate_of(request.offer, request.request, catalog, now)
    gross_nano = gross_of(rate, request.most)
    discounts = discounts_of(rate.model, gross_nano, account, coupon)
    return quote_of(rate, request.most, gross_nano, discounts)
