"""From what was read around a phase to its figures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

from deploy.bench.chat_messages import ChatLoad, ChatPlan
from deploy.bench.chat_result import Phase
from deploy.bench.cpu import PRODUCT
from deploy.bench.quantiles import Quantiles, quantiles

DIRECT, OWN, OTHER = "simulator", "hatchery", "other"


def measured(
    name: str,
    plan: ChatPlan,
    load: ChatLoad,
    spent: Mapping[str, float],
    other_cpu_percent: float,
    direct: Phase | None,
) -> Phase:
    """`direct` is the same load on the simulator; None for that itself."""
    whole, first = quantiles(load.whole_ms), quantiles(load.first_ms)
    return Phase(
        name=name,
        stream=plan.stream,
        concurrency=plan.concurrency,
        requests=len(load.whole_ms),
        failed=load.failed,
        seconds=round(load.seconds, 2),
        per_second=round(len(load.whole_ms) / load.seconds, 1),
        whole_ms=whole,
        first_ms=first,
        added_ms=_less(whole, direct.whole_ms) if direct else {},
        added_first_ms=_less(first, direct.first_ms) if direct else {},
        cpu_ms_per_request=_per_request(name, spent, max(1, load.sent)),
        other_cpu_percent=other_cpu_percent,
    )


def _per_request(name: str, spent: Mapping[str, float], sent: int) -> dict[str, float]:
    own = {DIRECT: (), OWN: PRODUCT, OTHER: (OTHER,)}[name]
    names = [process for process in (*own, DIRECT, "load_generator") if process in spent]
    costs = {process: round(spent[process] * 1000 / sent, 3) for process in names}
    total = round(sum(spent[process] for process in own if process in spent) * 1000 / sent, 3)
    return {"total": total, **costs} if own else costs


def _less(times: Quantiles, direct: Quantiles) -> Quantiles:
    return {share: round(times[share] - direct[share], 2) for share in times if share in direct}


def others_percent(
    spent: Mapping[str, float], before: tuple[float, float], after: tuple[float, float]
) -> float:
    """CPU of other programs, in percent of all cores."""
    busy, elapsed = (later - earlier for earlier, later in zip(before, after, strict=True))
    return round(max(0.0, busy - sum(spent.values())) / elapsed * 100, 1)


def memory_mib(pids: Mapping[str, list[int]]) -> dict[str, float]:
    """Resident memory by name, of the processes and their children."""
    sizes = dict.fromkeys(pids, 0.0)
    for name, members in pids.items():
        for pid in members:
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    sizes[name] += process.memory_info().rss / 2**20
    return {name: round(size, 1) for name, size in sizes.items()}
