from __future__ import annotations

import pytest
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.fal import FalProvider
from shared.providers.keys import key_id, key_ids
from shared.providers.registry import UnknownProvider, build_adapters
from shared.settings import ProviderSettings
from tests.unit.providers.upstream import tools

A, B = SecretStr("secret-a"), SecretStr("secret-b")
SETTINGS = {
    "fal": ProviderSettings(keys=[A, B]),
    "replicate": ProviderSettings(base_url="http://127.0.0.1:9/replicate"),
}


async def test_each_key_has_an_adapter_and_a_provider_without_keys_has_none() -> None:
    async with provider_session() as session:
        built = build_adapters(SETTINGS, lambda _: tools(session))
        assert list(built) == ["fal"]
        assert list(built["fal"]) == list(key_ids(SETTINGS)["fal"])
        assert all(isinstance(adapter, FalProvider) for adapter in built["fal"].values())


async def test_a_key_for_a_provider_nobody_knows_is_an_error() -> None:
    async with provider_session() as session:
        with pytest.raises(UnknownProvider, match=r"known are fal, .*replicate"):
            build_adapters({"other": ProviderSettings(keys=[A])}, lambda _: tools(session))


def test_a_key_id_is_stable_and_tells_nothing_of_the_key() -> None:
    assert key_id("fal", A) == key_id("fal", SecretStr("secret-a")) != key_id("fal", B)
    assert "secret" not in key_id("fal", A)
    assert key_ids(SETTINGS) == {"fal": (key_id("fal", A), key_id("fal", B))}
