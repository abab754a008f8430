"""What became of a task, as the customer, the ledger, the providers and our own notes have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.tasks.model import Attempt, Task
from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CENT = 10_000_000
"""In nano-USD."""
Tried = tuple[str, str | None]
"""A provider, and the class of error with which its attempt ended."""


class Trial:
    """One task with a prompt of its own, of a customer who has no other."""

    def __init__(self, stack: Stack, simulator: Simulator, customer: Customer, prompt: str) -> None:
        self._stack = stack
        self._simulator = simulator
        self._customer = customer
        self._prompt = prompt

    async def submit(self, model: str, **fields: Any) -> str:
        """The id of the task."""
        return await self._customer.submit(model=model, prompt=self._prompt, **fields)

    async def completed(self, task_id: str, *tried: Tried, nano: int = CENT) -> Task:
        """It was delivered by the last of these attempts and charged once."""
        shown = await self._customer.finished(task_id)
        assert shown["status"] == "completed", shown
        task = await self._check(task_id, tried)
        balance = await self._stack.balance(self._customer)
        assert (task.cost_nano, balance.spent, balance.held) == (nano, nano, 0)
        assert task.cost_nano <= task.quote.hold_nano
        assert task.outputs
        return task

    async def failed(self, task_id: str, *tried: Tried) -> Task:
        """It was given up after these attempts, and the money is back."""
        shown = await self._customer.finished(task_id)
        assert (shown["status"], shown["cost"]) == ("failed", "$0.00"), shown
        task = await self._check(task_id, tried)
        balance = await self._stack.balance(self._customer)
        assert (task.cost_nano, balance.spent, balance.held) == (0, 0, 0)
        assert not task.outputs
        return task

    async def jobs(self) -> dict[str, int]:
        """How many jobs each provider took for the prompt."""
        return dict(Counter(job["provider"] for job in await self._simulator.jobs(self._prompt)))

    async def _check(self, task_id: str, tried: Sequence[Tried]) -> Task:
        task = await self._stack.stored(task_id)
        assert [(one.provider, one.error_class) for one in task.attempts] == list(tried)
        ids = {job["job_id"] for job in await self._simulator.jobs(self._prompt)}
        for number, attempt in enumerate(task.attempts, 1):
            _is_recorded(attempt, number)
            assert attempt.provider_job is None or set(attempt.provider_job.ids) <= ids
        return task


def _is_recorded(attempt: Attempt, number: int) -> None:
    """Which route, which key, and from when to when."""
    assert attempt.number == number
    assert attempt.route == f"{attempt.provider}:{attempt.upstream_model}"
    assert attempt.key_id is not None
    assert attempt.key_id.startswith(f"{attempt.provider}-")
    assert attempt.ended_at is not None
    assert attempt.dispatched_at <= attempt.ended_at
