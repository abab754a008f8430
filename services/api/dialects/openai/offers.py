"""What is for sale in credits: the platform's model whitelist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.api.dialects.openai.errors import ModelNotAvailable
from shared.catalog.model import Catalog, ModelEntry
from shared.catalog.openai_offers import OpenAiOffer
from shared.catalog.price import PriceRequest, price
from shared.catalog.rate import CreditOffer
from shared.catalog.terms import AccountTerms
from shared.money import nano_from_usd
from shared.providers.capabilities import Kind
from shared.tasks.model import Quote, TaskRequest


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer, and the model behind it."""

    public_id: str
    offer: OpenAiOffer
    model: ModelEntry
    catalog: Catalog

    def quote(self, request: TaskRequest, account: AccountTerms, now: datetime) -> Quote:
        """So many credits for the request, or for each of its images."""
        asked = PriceRequest(CreditOffer(self.public_id), request)
        return price(asked, self.catalog, account, None, now)

    def credits(self, quote: Quote) -> int:
        """What a quote holds, in whole credits, rounded up."""
        return -(-quote.hold_nano // nano_from_usd(self.catalog.credit_usd))


class Offers:
    """The offers of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._offered = {
            public_id: Offered(public_id, offer, catalog.models[offer.model], catalog)
            for public_id, offer in catalog.openai.items()
        }

    def find(self, public_id: str, kind: Kind) -> Offered:
        """Raises ModelNotAvailable for anything that this kind of request cannot be made of."""
        offered = self._offered.get(public_id)
        if offered is None or offered.model.kind is not kind:
            raise ModelNotAvailable
        return offered

    def listed(self, now: datetime) -> dict[str, Any]:
        """`{"object": "list", "data": […]}`, in the order of the catalog, at the prices of this moment."""
        return {"object": "list", "data": [_item(offered, now) for offered in self._offered.values()]}


def _item(offered: Offered, now: datetime) -> dict[str, Any]:
    offer = offered.offer
    return {
        "id": offered.public_id,
        "object": "model",
        "owned_by": offer.owned_by,
        "display_name": offer.display_name,
        "category": offered.model.kind.value,
        "capabilities": list(offer.capabilities),
        "credit_cost": offer.credits_at(now),
    }
