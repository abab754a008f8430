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
    """By provider name; none where providers are not asked to call back.

    fal's need nothing of ours, kie.ai's its webhook secret; Replicate's secret is asked for with the keys
    where it is not in the settings. Raises BadSettings for a secret that cannot be one.
    """
    if settings.hints_url is None:
        return {}
    found = {
        name: _verifier(name, settings.providers.get(name, ProviderSettings()), session)
        for name in ("fal", "replicate", "kie")
    }
    return {name: verifier for name, verifier in found.items() if verifier is not None}


def _verifier(
    name: str, settings: ProviderSettings, session: aiohttp.ClientSession
) -> CallbackVerifier | None:
    secret = settings.webhook_secret
    if name == "fal":
        return FalCallbacks(session, settings.callback_keys_url or JWKS_URL)
    if name == "replicate" and (settings.keys or secret is not None):
        tools = ProviderTools(session, _NoInputs())
        try:
            return ReplicateCallbacks(tools, settings.keys, settings.base_url, secret)
        except ValueError as error:
            raise BadSettings(f"HATCHERY_PROVIDERS__REPLICATE__WEBHOOK_SECRET: {error}") from error
    if name == "kie" and secret is not None:
        return KieCallbacks(secret)
    return None
