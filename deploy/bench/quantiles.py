"""From many times to three."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

Quantiles = dict[str, float]


def quantiles(values: Sequence[float]) -> Quantiles:
    """p50, p95 and p99 by nearest rank; nothing for no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        name: round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2) for name, share in SHARES.items()
    }
