"""The documents as the api serves them, and its routes, without any server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from shared.settings import ProviderSettings, S3Settings, Settings

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


def settings(**chosen: object) -> Settings:
    """Of an installation whose servers are nowhere."""
    return Settings(
        mongo_url="mongodb://127.0.0.1:9/?replicaSet=rs0",
        amqp_url="amqp://127.0.0.1:9/",
        s3=S3Settings(endpoint="http://127.0.0.1:9", access_key="a", secret_key="s"),
        providers={name: ProviderSettings(keys=["key"]) for name in SIMULATED},
        key_pepper="pepper",
        secrets_key="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        catalog=CATALOG,
        public_url=SERVER_URL,
        **chosen,
    )


@asynccontextmanager
async def built(chosen: Settings) -> AsyncIterator[FastAPI]:
    """The api's app, put together as in a process."""
    mongo = connect(chosen.mongo_url)
    platform = Platform(
        settings=chosen,
        catalog=load_catalog(chosen.catalog),
        mongo=mongo,
        database=mongo[chosen.mongo_database],
        clock=DatabaseClock(),
        publisher=Publisher(chosen.amqp_url, "test"),
        killpoints=KillPoints(),
        process_name="test",
    )
    async with mongo, build(platform) as service:
        yield service.app


@pytest_asyncio.fixture(scope="session")
async def app() -> AsyncIterator[FastAPI]:
    async with built(settings()) as found:
        yield found
