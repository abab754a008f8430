"""The documents as the api serves them, and its routes, without any server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.local.settings import SIMULATED
from services.api.app import build
from services.api.reference.dialects import described
from services.api.reference.model import Dialect
from services.api.reference.openapi import Document, openapi
from shared.bus.publisher import Publisher
from shared.catalog.load import load_catalog
from shared.catalog.model import Catalog
from shared.clock import DatabaseClock
from shared.killpoints import KillPoints
from shared.mongo import connect
from shared.runtime import Platform
from shared.settings import Settings, read_settings

CATALOG = Path(__file__).parents[3] / "deploy" / "catalog.yaml"
SERVER_URL = "https://hatchery.example.org"


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(CATALOG)


@pytest.fixture(scope="session")
def dialects(catalog: Catalog) -> dict[str, Dialect]:
    return {dialect.name: dialect for dialect in described(catalog)}


@pytest.fixture(scope="session")
def documents(dialects: dict[str, Dialect]) -> dict[str, Document]:
    return {name: openapi(dialect, SERVER_URL, "1.0") for name, dialect in dialects.items()}


ENVIRONMENT = {
    "HATCHERY_MONGO_URL": "mongodb://127.0.0.1:9/?replicaSet=rs0",
    "HATCHERY_AMQP_URL": "amqp://127.0.0.1:9/",
    "HATCHERY_S3__ENDPOINT": "http://127.0.0.1:9",
    "HATCHERY_S3__ACCESS_KEY": "a",
    "HATCHERY_S3__SECRET_KEY": "s",
    "HATCHERY_KEY_PEPPER": "pepper",
    "HATCHERY_SECRETS_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "HATCHERY_CATALOG": str(CATALOG),
    "HATCHERY_PUBLIC_URL": SERVER_URL,
    **{f"HATCHERY_PROVIDERS__{name.upper()}__KEYS": '["key"]' for name in SIMULATED},
}
"""Of an installation whose servers are nowhere."""


@asynccontextmanager
async def built(**more: str) -> AsyncIterator[FastAPI]:
    """The api's app, put together as in a process with these variables besides."""
    async with AsyncExitStack() as stack:
        # The app outlives this block: other tests must not find these variables.
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (ENVIRONMENT | more).items():
                patch.setenv(name, value)
            settings = read_settings(Settings)
            mongo = await stack.enter_async_context(connect(settings.mongo_url))
            platform = Platform(
                settings=settings,
                catalog=load_catalog(settings.catalog),
                mongo=mongo,
                database=mongo[settings.mongo_database],
                clock=DatabaseClock(),
                publisher=Publisher(settings.amqp_url, "test"),
                killpoints=KillPoints(),
                process_name="test",
            )
            service = await stack.enter_async_context(build(platform))
        yield service.app


@pytest_asyncio.fixture(scope="session")
async def app() -> AsyncIterator[FastAPI]:
    async with built() as found:
        yield found
