"""The dialects as this installation speaks them."""

from __future__ import annotations

from services.api.dialects.eggapi.schemas import REQUESTS
from services.api.reference.eggapi.operations import eggapi
from services.api.reference.model import Dialect
from shared.catalog.model import Catalog


def described(catalog: Catalog) -> tuple[Dialect, ...]:
    """All of them, with the models of the catalog."""
    return (eggapi([name for name, model in catalog.models.items() if model.kind in REQUESTS]),)
