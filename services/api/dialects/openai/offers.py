"""What is for sale in credits: the platform's model whitelist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.api.dialects.openai.errors import ModelNotAvailable
from shared.catalog.model import Catalog, ModelEntry
from shared.catalog.openai_offers import OpenAiOffer
from shared.catalog.price import flat_quote
from shared.money import nano_from_usd
from shared.providers.capabilities import Kind
from shared.tasks.model import Quote


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer, and the model behind it."""

    public_id: str
    offer: OpenAiOffer
    model: ModelEntry
    credit_nano: int

    def quote(self, units: int = 1, unit: str = "request") -> Quote:
        """So many requests or images at their price in credits."""
        return flat_quote(self.offer.credits * self.credit_nano, units, unit)


class Offers:
    """The offers of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        credit_nano = nano_from_usd(catalog.credit_usd)
        self._offered = {
            public_id: Offered(public_id, offer, catalog.models[offer.model], credit_nano)
            for public_id, offer in catalog.openai.items()
        }

    def find(self, public_id: str, kind: Kind) -> Offered:
        """Raises ModelNotAvailable for anything that this kind of request cannot be made of."""
        offered = self._offered.get(public_id)
        if offered is None or offered.model.kind is not kind:
            raise ModelNotAvailable
        return offered

    def listed(self) -> dict[str, Any]:
        """`{"object": "list", "data": […]}`, in the order of the catalog."""
        return {"object": "list", "data": [_item(offered) for offered in self._offered.values()]}


def _item(offered: Offered) -> dict[str, Any]:
    offer = offered.offer
    return {
        "id": offered.public_id,
        "object": "model",
        "owned_by": offer.owned_by,
        "display_name": offer.display_name,
        "category": offered.model.kind.value,
        "capabilities": list(offer.capabilities),
        "credit_cost": offer.credits,
    }
