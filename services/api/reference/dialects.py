"""The dialects as this installation speaks them."""

from __future__ import annotations

from services.api.dialects.aigenway.targets import Targets
from services.api.reference.aigenway.operations import aigenway
from services.api.reference.eggapi.operations import eggapi
from services.api.reference.model import Dialect
from services.api.reference.openai.operations import OfferedModels, openai
from shared.catalog.model import Catalog
from shared.providers.capabilities import Kind


def described(catalog: Catalog) -> tuple[Dialect, ...]:
    """All of them, with the models of the catalog."""
    return (eggapi(catalog.sold_by_eggapi), openai(_offered(catalog)), aigenway(Targets(catalog)))


def _offered(catalog: Catalog) -> OfferedModels:
    kinds = {name: catalog.models[offer.model].kind for name, offer in catalog.openai.items()}
    return OfferedModels(
        *(
            [name for name, kind in kinds.items() if kind is wanted]
            for wanted in (Kind.CHAT, Kind.IMAGE, Kind.EMBEDDING)
        )
    )
