"""Provider keys by id: what is stored and logged in place of the key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from pydantic import SecretStr

from shared.settings import ProviderSettings


def key_id(provider: str, key: SecretStr) -> str:
    """Names a key without telling it: the provider and eight hexadecimal digits of its digest."""
    return f"{provider}-{sha256(key.get_secret_value().encode()).hexdigest()[:8]}"


def key_ids(providers: Mapping[str, ProviderSettings]) -> dict[str, tuple[str, ...]]:
    """The ids of the configured keys of each provider that has any, in the order of the settings."""
    return {
        name: tuple(dict.fromkeys(key_id(name, key) for key in settings.keys))
        for name, settings in providers.items()
        if settings.keys
    }
