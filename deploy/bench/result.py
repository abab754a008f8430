"""What a measurement found, as `--json` prints it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from deploy.bench.quantiles import Quantiles

TARGET_CPU_MS = 5.0
TARGET_OVERHEAD_MS = 80.0


class PipelineResult(BaseModel):
    """Times in milliseconds; everything without `at_concurrency_1` is about the throughput phase."""

    tasks: int
    concurrency: int
    provider_ms: int
    """What the simulated provider takes for a job."""
    accounts: int
    webhooks: bool
    processes: dict[str, int]
    seconds: float
    tasks_per_second: float
    submit_ms: Quantiles
    submit_to_completed_ms: Quantiles
    """As a client sees it that polls, for a sample of the tasks."""
    stored_submit_to_completed_ms: Quantiles
    """From the request's start to the time stored with the final state, for every task."""
    overhead_ms_at_concurrency_1: Quantiles
    """What a client sees beyond the provider's own time; it polls every 5 ms."""
    submit_ms_at_concurrency_1: Quantiles
    submit_to_completed_ms_at_concurrency_1: Quantiles
    reached_ms_at_concurrency_1: dict[str, float]
    """Median time from the request's start to each state, by the clocks of the services that moved them."""
    cpu_ms_per_task: dict[str, float]
    other_cpu_percent: float
    """Of all cores, by processes that are none of these: above a few percent the numbers are too high."""
    messages_per_task: float
    mongo_operations_per_task: dict[str, float]
    swept: int
    """Tasks that were found by the sweeper instead of by an event."""
    webhooks_delivered: int
    failed: int
    problems: list[str]
    verify: Literal["clean", "violated"]
    violations: list[str]
    machine: dict[str, Any]

    @property
    def sound(self) -> bool:
        """Whether the numbers are worth anything."""
        return self.failed == 0 and self.verify == "clean"
