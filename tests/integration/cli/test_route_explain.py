"""`hatchery route explain` reads the health that all services share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from services.cli.routes import UnknownModel, explained, print_views, report, request_like
from shared.catalog.load import load_catalog
from shared.key_register import KeyRegister
from shared.mongo import Database
from shared.route_health import RouteHealth
from tests.unit.building import NOON, StillClock

CATALOG = load_catalog(Path(__file__).parents[3] / "deploy" / "catalog.yaml")
KEYS = {"fal": ("fal-1",), "replicate": ("replicate-1",), "kie": ("kie-1",)}
LATER = NOON + timedelta(seconds=30)


@pytest_asyncio.fixture
async def health(database: Database, clock: StillClock) -> RouteHealth:
    await database["health"].insert_many(
        [
            {"_id": "route:fal:fal-ai/nano-banana-pro", "open_until": LATER, "trips": 1, "probe_until": None},
            {"_id": "key:replicate-1", "until": LATER, "reason": "quota"},
        ]
    )
    await KeyRegister(database, clock).say(KEYS)
    return RouteHealth(database, clock, CATALOG)


async def test_each_route_is_in_or_out_and_the_next_one_takes_the_request(
    health: RouteHealth, clock: StillClock, capsys: pytest.CaptureFixture[str]
) -> None:
    views, now = await explained(
        health, CATALOG, "nanobanana-pro", request_like("4k", "16:9", edit=True), clock
    )
    told = report(views, now)

    assert told["takes"] == "kie:nano-banana-pro"
    assert [(one["provider"], one["ready"], one["why"]) for one in told["routes"]] == [
        ("fal", False, ["breaker open until 12:00:30 UTC"]),
        ("replicate", False, ["rests until 12:00:30 UTC because of quota"]),
        ("kie", True, []),
        ("gemini", False, ["no worker has a key: set HATCHERY_PROVIDERS__GEMINI__KEYS"]),
        ("openrouter", False, ["no worker has a key: set HATCHERY_PROVIDERS__OPENROUTER__KEYS"]),
    ]
    assert told["routes"][0]["upstream_model"] == "fal-ai/nano-banana-pro/edit"

    print_views(views, now)
    assert "A request goes to kie:nano-banana-pro now." in capsys.readouterr().out


async def test_with_nothing_ready_it_says_how_long_a_request_waits(
    database: Database, health: RouteHealth, clock: StillClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await database["health"].insert_one({"_id": "key:kie-1", "until": LATER, "reason": "credential"})
    views, now = await explained(health, CATALOG, "nanobanana-pro", request_like(None, None, False), clock)

    print_views(views, now)
    assert report(views, now)["takes"] is None
    assert "A request waits until 12:00:30 UTC." in capsys.readouterr().out


async def test_with_no_route_at_all_a_request_is_rejected(
    health: RouteHealth, clock: StillClock, capsys: pytest.CaptureFixture[str]
) -> None:
    print_views(*await explained(health, CATALOG, "gpt-5-mini", request_like(None, None, False), clock))

    assert "A request is rejected: no route can take it." in capsys.readouterr().out


async def test_an_unknown_model_is_told_which_there_are(health: RouteHealth, clock: StillClock) -> None:
    with pytest.raises(UnknownModel, match="no model sora in the catalog; there are nanobanana"):
        await explained(health, CATALOG, "sora", request_like(None, None, False), clock)
