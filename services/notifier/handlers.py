"""What the notifier does when tasks are final."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.notifier.audience import Audience
from services.notifier.delivery import NewDelivery
from services.notifier.dispatch import Dispatcher
from services.notifier.endpoint_payloads import EVENT_OF, event_id, task_payload
from services.notifier.payloads import render
from services.notifier.store import DeliveryStore
from shared.settings import Settings
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.store import TaskStore
from shared.webhooks.listeners import Listener


class NotifierHandlers:
    """Makes one delivery for a task's callback and one for each endpoint of its account that wants its event.

    They are sent at once where there is room.
    """

    def __init__(
        self,
        tasks: TaskStore,
        deliveries: DeliveryStore,
        audience: Audience,
        dispatcher: Dispatcher,
        settings: Settings,
    ) -> None:
        self._tasks = tasks
        self._deliveries = deliveries
        self._audience = audience
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
        listeners = await self._audience.of(waiting)
        new = [
            delivery
            for task in waiting
            for delivery in self._deliveries_of(task, listeners.get(task.account_id, ()))
        ]
        claimed = await self._deliveries.insert(new, self._dispatcher.fits([one.host for one in new]))
        # Taken before the tasks are settled: should that fail, what is claimed is sent all the same.
        self._dispatcher.take(claimed)
        await self._tasks.settle_down([task.id for task in waiting])

    def _deliveries_of(self, task: Task, listeners: Sequence[Listener]) -> Iterator[NewDelivery]:
        if task.callback_url:
            yield self._callback(task, task.callback_url)
        event = EVENT_OF[task.state]
        wanted = [one for one in listeners if one.wants(event)]
        body = task_payload(task, self._settings) if wanted else b""
        for one in wanted:
            yield NewDelivery(
                task_id=task.id,
                account_id=task.account_id,
                dialect="",
                event=event,
                url=one.url,
                body=body,
                endpoint_id=one.endpoint_id,
                event_id=event_id(task),
            )

    def _callback(self, task: Task, url: str) -> NewDelivery:
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
