"""Rules for the simulator, in short."""

from __future__ import annotations

from typing import Any


def rule(
    provider: str,
    prompt: str,
    fault: str | None = None,
    *,
    times: int | None = None,
    latency_ms: int | None = None,
    key: str | None = None,
    **then: Any,
) -> dict[str, Any]:
    """What submissions meet whose prompt contains the text, and that show this key if one is named."""
    made: dict[str, Any] = {
        "provider": provider,
        "when": {"prompt_contains": prompt, "key": key},
        "times": times,
        "then": {"fault": fault, **then},
    }
    return made if latency_ms is None else {**made, "latency_ms": latency_ms}
