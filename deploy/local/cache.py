"""Where downloaded programs are kept, for every stack and test run of this checkout."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def cache_directory() -> Path:
    """`$HATCHERY_CACHE`, else `.cache` of the checkout."""
    directory = Path(os.environ.get("HATCHERY_CACHE") or REPOSITORY / ".cache").resolve()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def one_at_a_time(purpose: str) -> Iterator[None]:
    """Let a second process wait until the first has finished the same installation."""
    with (cache_directory() / f"{purpose}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
