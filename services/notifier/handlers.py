"""What the notifier does when tasks are final."""

from __future__ import annotations

from collections.abc import Sequence

from services.notifier.delivery import NewDelivery
from services.notifier.dispatch import Dispatcher
from services.notifier.payloads import render
from services.notifier.store import DeliveryStore
from shared.settings import Settings
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.store import TaskStore


class NotifierHandlers:
    """Makes one delivery per task and event, and sends it at once where there is room."""

    def __init__(
        self, tasks: TaskStore, deliveries: DeliveryStore, dispatcher: Dispatcher, settings: Settings
    ) -> None:
        self._tasks = tasks
        self._deliveries = deliveries
        self._dispatcher = dispatcher
        self._settings = settings

    def routes(self) -> Routes:
        return {
            State.COMPLETED: self.notify,
            State.FAILED: self.notify,
            State.CANCELLED: self.notify,
        }

    async def notify(self, tasks: Sequence[Task]) -> None:
        """Store the deliveries of tasks that still wait for them, then let the tasks rest."""
        waiting = [task for task in tasks if task.wake_at is not None]
        if not waiting:
            return
        new = [self._delivery(task, task.callback_url) for task in waiting if task.callback_url]
        claimed = await self._deliveries.insert(new, self._dispatcher.fits([one.host for one in new]))
        # Taken before the tasks are settled: should that fail, what is claimed is sent all the same.
        self._dispatcher.take(claimed)
        await self._tasks.settle_down([task.id for task in waiting])

    def _delivery(self, task: Task, url: str) -> NewDelivery:
        payload = render(task, self._settings)
        return NewDelivery(
            task_id=task.id,
            account_id=task.account_id,
            dialect=task.dialect,
            event=payload.event,
            url=url,
            body=payload.body,
            key_id=task.key_id,
        )
