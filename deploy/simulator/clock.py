"""Times as the simulator shows them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: float) -> str:
    """A Unix time in seconds as RFC 3339 UTC with milliseconds, `2026-01-31T09:30:00.125Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_or_none(at: float | None) -> str | None:
    """The same, keeping None."""
    return None if at is None else rfc3339(at)


def unix_time(text: str) -> float:
    """An RFC 3339 time as Unix seconds; a time without zone is UTC. Raises ValueError."""
    # A plus sign in an unescaped query string arrives as a space.
    moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
