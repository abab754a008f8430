"""The endpoints of webhooks, put together."""

from __future__ import annotations

from fastapi import APIRouter

from services.api.parts import ApiParts
from services.api.settings import ApiSettings
from services.api.webhooks.deliveries import delivery_endpoints
from services.api.webhooks.endpoints import endpoint_endpoints
from shared.account_events import AccountEvents
from shared.runtime import Platform
from shared.secrets import SecretBox
from shared.webhooks.deliveries import DeliveryLog
from shared.webhooks.endpoints import Endpoints


def webhook_endpoints(platform: Platform, settings: ApiSettings, parts: ApiParts) -> APIRouter:
    """Deliveries first: their addresses would be endpoints' ids else."""
    router, database, clock = APIRouter(), platform.database, platform.clock
    endpoints = Endpoints(database, clock, SecretBox(settings.secrets_key.get_secret_value()))
    router.include_router(delivery_endpoints(parts.admit, DeliveryLog(database, clock), endpoints))
    events = AccountEvents(database)
    router.include_router(endpoint_endpoints(parts.admit, endpoints, events, parts.egress, clock))
    return router
