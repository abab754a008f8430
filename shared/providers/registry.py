"""Which adapters exist, and making those that have a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp

from shared.errors import HatcheryError
from shared.providers.base import Provider
from shared.providers.fal import FalProvider
from shared.providers.replicate import ReplicateProvider
from shared.settings import ProviderSettings


class UnknownProvider(HatcheryError):
    """There is no adapter for this provider."""

    code = "unknown_provider"


ADAPTERS: Final[dict[str, type[FalProvider] | type[ReplicateProvider]]] = {
    FalProvider.name: FalProvider,
    ReplicateProvider.name: ReplicateProvider,
}


def build_providers(
    settings_providers: Mapping[str, ProviderSettings], session: aiohttp.ClientSession
) -> dict[str, Provider]:
    """The adapters by name; a provider without a key is left out, the first of several keys is used.

    Raises `UnknownProvider` for a name with a key and no adapter.
    """
    providers: dict[str, Provider] = {}
    for name, settings in settings_providers.items():
        if not settings.keys:
            continue
        adapter = ADAPTERS.get(name)
        if adapter is None:
            raise UnknownProvider(f"There is no provider {name!r}; known are {', '.join(sorted(ADAPTERS))}.")
        providers[name] = adapter(session, settings.keys[0], settings.base_url)
    return providers
