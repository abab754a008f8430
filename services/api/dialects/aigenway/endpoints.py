"""All of Aigenway's endpoints under `/v1`."""

from __future__ import annotations

from fastapi import APIRouter

from services.api.dialects.aigenway.generations import generation_endpoints
from services.api.dialects.aigenway.listings import listing_endpoints
from services.api.dialects.aigenway.results import result_endpoints
from services.api.dialects.aigenway.targets import Targets
from services.api.dialects.aigenway.tasks import task_endpoints
from services.api.file_streams import FileStreams
from services.api.parts import ApiParts


def aigenway_endpoints(parts: ApiParts, streams: FileStreams, public_url: str) -> APIRouter:
    """To be included after EggAPI's, whose tasks stand at more special addresses."""
    router = APIRouter(prefix="/v1")
    targets = Targets(parts.catalog)
    router.include_router(generation_endpoints(parts, targets))
    router.include_router(task_endpoints(parts, public_url))
    router.include_router(listing_endpoints(parts, targets))
    router.include_router(result_endpoints(parts, streams))
    return router
