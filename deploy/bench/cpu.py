"""CPU time by process, from /proc."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

from deploy.bench.errors import BenchError

PRODUCT = ("api", "router", "worker", "billing", "notifier", "mongod", "rabbitmq")
"""What an installation pays for; the simulator, S3 and the load generator stand for the world around it."""


def cpu_seconds(pids: Mapping[str, list[int]]) -> dict[str, float]:
    """User and system time so far, all processes of a name together with their children."""
    return {name: sum(_of_family(name, pid) for pid in members) for name, members in pids.items()}


def _of_family(name: str, pid: int) -> float:
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        raise BenchError(f"A process of {name} ended during the measurement; its log says why.") from None
    total = 0.0
    for member in family:
        # A child that has just ended is in its parent's sum from now on.
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def machine_seconds() -> tuple[float, float]:
    """Busy time of all cores so far, and their time altogether."""
    times = psutil.cpu_times()
    idle = times.idle + times.iowait
    # Guests' time is part of user time already.
    return sum(times) - idle - times.guest - times.guest_nice, sum(times) - times.guest - times.guest_nice


def ms_per_task(before: Mapping[str, float], after: Mapping[str, float], tasks: int) -> dict[str, float]:
    """By name in milliseconds, the product's own first and with their `total`."""
    spent = {name: (after[name] - before[name]) * 1000 / tasks for name in after}
    own = {name: spent.pop(name) for name in PRODUCT}
    return {name: round(ms, 3) for name, ms in (own | {"total": sum(own.values())} | spent).items()}
