"""Which providers' callbacks this installation can verify, and with what."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from shared.providers.callbacks.base import CallbackVerifier
from shared.providers.callbacks.fal import JWKS_URL, FalCallbacks
from shared.providers.callbacks.kie import KieCallbacks
from shared.providers.callbacks.replicate import ReplicateCallbacks
from shared.providers.tools import InputImage, ProviderTools, UnusableInput
from shared.settings import BadSettings, ProviderSettings, Settings


class _NoInputs:
    """Verifying fetches no images."""

    async def load(self, url: str) -> InputImage:
        raise UnusableInput


def callback_verifiers(settings: Settings, session: aiohttp.ClientSession) -> Mapping[str, CallbackVerifier]:
    """By provider name, for those with keys; none where providers are not asked to call back.

    kie.ai needs its webhook secret in the settings; Replicate's is asked for where it is not there. Raises
    BadSettings for a secret that cannot be one.
    """
    if settings.hints_url is None:
        return {}
    found = {
        name: _verifier(name, provider, session)
        for name, provider in settings.providers.items()
        if provider.keys
    }
    return {name: verifier for name, verifier in found.items() if verifier is not None}


def _verifier(
    name: str, settings: ProviderSettings, session: aiohttp.ClientSession
) -> CallbackVerifier | None:
    secret = settings.webhook_secret
    if name == "fal":
        return FalCallbacks(session, settings.callback_keys_url or JWKS_URL)
    if name == "replicate":
        tools = ProviderTools(session, _NoInputs())
        try:
            return ReplicateCallbacks(tools, settings.keys, settings.base_url, secret)
        except ValueError as error:
            raise BadSettings(f"HATCHERY_PROVIDERS__REPLICATE__WEBHOOK_SECRET: {error}") from error
    if name == "kie" and secret is not None:
        return KieCallbacks(secret)
    return None
