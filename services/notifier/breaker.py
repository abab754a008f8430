"""When an endpoint that keeps failing is left alone. No I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

FAILURES_TO_REST: Final = 5
"""In a row. From then on one delivery at a time is tried, the others wait."""
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=10)
FAILING_FOR: Final = timedelta(days=5)
"""Without any success in between; then the endpoint is disabled."""


def rest_expression(failures: str) -> dict[str, Any]:
    """How long an endpoint rests after so many failures in a row, in milliseconds, for the database to count.

    30 seconds first, then twice as long each time, up to ten minutes. `failures` is a path: `$failures`.
    """
    doubled = {"$pow": [2, {"$min": [{"$subtract": [failures, FAILURES_TO_REST]}, 10]}]}
    milliseconds = [_milliseconds(LONGEST_REST), {"$multiply": [_milliseconds(FIRST_REST), doubled]}]
    return {"$toLong": {"$min": milliseconds}}


def _milliseconds(wait: timedelta) -> int:
    return wait // timedelta(milliseconds=1)
