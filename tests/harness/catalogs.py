"""Catalogs of a test's own, and a stack that sells what stands in one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.local.servers import Servers
from shared.ledger.verify import Verification
from tests.harness.stack import Stack

Route = Mapping[str, Any]
Model = Mapping[str, Any]

POLL = {"first_seconds": 0.05, "factor": 0.2, "most_seconds": 0.3}
"""Often, so that a test waits for little else than what it tests."""
_UPSTREAM = {
    "fal": "fal-ai/nano-banana-{}",
    "replicate": "google/nano-banana-{}",
    # These sell only the models that they know.
    "kie": "nano-banana-pro",
    "gemini": "gemini-3-pro-image",
}


def route(provider: str, of: str = "one", **settings: Any) -> Route:
    """A route to an image model; of fal and Replicate with a name, and so a breaker, of its own by `of`."""
    return {"provider": provider, "generate": _UPSTREAM[provider].format(of), **settings}


def image_model(*chain: Route, **settings: Any) -> Model:
    """A cent an image."""
    return {"kind": "image", "price": {"per": "image", "usd": "0.0100"}, "chain": list(chain), **settings}


def video_model(*chain: Route, **settings: Any) -> Model:
    """Eight cents a second."""
    return {"kind": "video", "price": {"per": "second", "usd": "0.0800"}, "chain": list(chain), **settings}


@asynccontextmanager
async def stack_selling(
    models: Mapping[str, Model],
    servers: Servers,
    simulator_url: str,
    folder: Path,
    *,
    providers: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, str] | None = None,
    roles: Sequence[str] = (),
) -> AsyncIterator[Stack]:
    """A running stack, of all services or some, whose books are right at the end.

    `providers` adds to their settings in the catalog.
    """
    catalog = {
        "providers": {name: {"poll": POLL, **(providers or {}).get(name, {})} for name in _UPSTREAM},
        "models": dict(models),
    }
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False))
    stack = Stack(servers, simulator_url, folder, {"HATCHERY_CATALOG": str(path), **(settings or {})})
    await stack.open()
    try:
        await stack.start(*roles)
        yield stack
        report = await Verification(stack.database, stack.clock.now()).run()
        assert report.clean, report.violations
    finally:
        await stack.close()
