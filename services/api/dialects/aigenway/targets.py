"""What a body asks for: which method of which model of which provider. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.dialects.aigenway.errors import (
    InvalidRequest,
    UnsupportedMethod,
    UnsupportedModel,
    UnsupportedProvider,
)
from shared.catalog.aigenway_offers import AigenwayOffer
from shared.catalog.aigenway_parameters import Table
from shared.catalog.aigenway_tables import TABLES
from shared.catalog.model import Catalog, ModelEntry


@dataclass(frozen=True, slots=True)
class Target:
    """One offer, by its names and with everything behind it."""

    provider: str
    model: str
    method: str
    offer: AigenwayOffer
    entry: ModelEntry
    table: Table

    @property
    def offer_id(self) -> str:
        """Its key in the catalog."""
        return f"{self.provider}/{self.model}/{self.method}"

    @property
    def names(self) -> dict[str, str]:
        return {"provider": self.provider, "model": self.model, "method": self.method}


class Targets:
    """The offers of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._targets: dict[str, dict[str, dict[str, Target]]] = {}
        for offer_id, offer in catalog.aigenway.offers.items():
            provider, model, method = offer_id.split("/")
            target = Target(
                provider, model, method, offer, catalog.models[offer.model], TABLES[offer.parameters]
            )
            self._targets.setdefault(provider, {}).setdefault(model, {})[method] = target

    def find(self, body: Mapping[str, Any]) -> Target:
        """Raises InvalidRequest, UnsupportedProvider, UnsupportedModel and UnsupportedMethod."""
        provider, model, method = _names(body)
        models = self.of(provider)
        if model not in models:
            raise UnsupportedModel(None, {"provider": provider, "model": model, "supported": list(models)})
        methods = models[model]
        if method not in methods:
            names = {"provider": provider, "model": model, "method": method}
            raise UnsupportedMethod(None, {**names, "supported": list(methods)})
        return methods[method]

    def listed(self, provider: str | None = None) -> Iterator[Target]:
        """In the order of the catalog, of one provider or all. Raises UnsupportedProvider."""
        for models in [self.of(provider)] if provider is not None else self._targets.values():
            for methods in models.values():
                yield from methods.values()

    def of(self, provider: str) -> dict[str, dict[str, Target]]:
        """A provider's targets by model and method. Raises UnsupportedProvider."""
        if provider not in self._targets:
            raise UnsupportedProvider(None, {"provider": provider, "supported": list(self._targets)})
        return self._targets[provider]


def _names(body: Mapping[str, Any]) -> tuple[str, str, str]:
    """An older form has all three in `method`, as `provider/model/method`."""
    method = _name(body, "method")
    if body.get("provider") is None and body.get("model") is None and method.count("/") == 2:
        provider, model, method = method.split("/")
        return provider, model, method
    return _name(body, "provider"), _name(body, "model"), method


def _name(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        raise InvalidRequest(f"{field} is required", {"field": field})
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise InvalidRequest(f"{field} must be a string of 1 to 200 characters", {"field": field})
    return value
