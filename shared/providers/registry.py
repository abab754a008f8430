"""The adapters there are, and one of each for every key that the settings hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from pydantic import SecretStr

from shared.errors import HatcheryError
from shared.providers.base import Provider
from shared.providers.fal import FalProvider
from shared.providers.gemini import GeminiProvider
from shared.providers.keys import key_id
from shared.providers.kie import KieProvider
from shared.providers.openai import OpenAiProvider
from shared.providers.openrouter import OpenRouterProvider
from shared.providers.replicate import ReplicateProvider
from shared.providers.tools import ProviderTools
from shared.settings import ProviderSettings


class UnknownProvider(HatcheryError):
    """There is no adapter for this provider."""

    code = "unknown_provider"


class Adapter(Protocol):
    """How an adapter is made: for one key, at the provider's own address unless another is named."""

    def __call__(self, tools: ProviderTools, key: SecretStr, base_url: str | None = None) -> Provider: ...


ADAPTERS: Final[Mapping[str, Adapter]] = {
    FalProvider.name: FalProvider,
    GeminiProvider.name: GeminiProvider,
    KieProvider.name: KieProvider,
    OpenAiProvider.name: OpenAiProvider,
    OpenRouterProvider.name: OpenRouterProvider,
    ReplicateProvider.name: ReplicateProvider,
}

Adapters = Mapping[str, Mapping[str, Provider]]
"""By provider name and key id."""


def build_adapters(
    providers: Mapping[str, ProviderSettings], tools_for: Callable[[str], ProviderTools]
) -> Adapters:
    """The adapters of every provider that has a key. Raises `UnknownProvider` for a name without adapter."""
    built: dict[str, dict[str, Provider]] = {}
    for name, settings in providers.items():
        if not settings.keys:
            continue
        adapter = ADAPTERS.get(name)
        if adapter is None:
            raise UnknownProvider(f"There is no provider {name!r}; known are {', '.join(sorted(ADAPTERS))}.")
        tools = tools_for(name)
        built[name] = {key_id(name, key): adapter(tools, key, settings.base_url) for key in settings.keys}
    return built
