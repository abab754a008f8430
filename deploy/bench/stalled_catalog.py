"""What `hatchery bench stalled` sells: a model for each of three providers, under the provider's name."""

from __future__ import annotations

from typing import Any

from deploy.bench.pipeline import PROVIDER_MS

STALLED = "fal"
HEALTHY = ("replicate", "gemini")
"""One that is polled, and one that answers on the connection of the call."""

RULES = (
    {"provider": STALLED, "then": {"fault": "never_finishes"}},
    {"provider": "*", "latency_ms": PROVIDER_MS, "polls": 1},
)
"""For the simulator."""

_UPSTREAM = {
    "fal": "fal-ai/nano-banana",
    "replicate": "google/nano-banana",
    "gemini": "gemini-2.5-flash-image",
}
_POLL = {"first_seconds": 0.05, "factor": 0.2, "most_seconds": 5}
_NEVER_SECONDS = 24 * 3600
"""A deadline that no measurement reaches."""


def _model(provider: str) -> dict[str, Any]:
    route = {
        "provider": provider,
        "generate": _UPSTREAM[provider],
        "soft_deadline_seconds": _NEVER_SECONDS,
    }
    return {
        "kind": "image",
        "price": {"per": "image", "usd": "0.0100"},
        "deadline_seconds": _NEVER_SECONDS,
        "chain": [route],
    }


CATALOG: dict[str, Any] = {
    "providers": {provider: {"poll": _POLL} for provider in _UPSTREAM},
    "models": {provider: _model(provider) for provider in _UPSTREAM},
}
