"""Where attempts end: on the endpoints and in the deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from services.notifier.delivery import Recording
from services.notifier.endpoint_health import EndpointHealth
from services.notifier.endpoints import EndpointBook
from services.notifier.store import DeliveryStore


class Recorder:
    """Writes down a group of attempts."""

    def __init__(self, store: DeliveryStore, health: EndpointHealth, endpoints: EndpointBook) -> None:
        self._store = store
        self._health = health
        self._endpoints = endpoints

    async def record(self, recordings: Sequence[Recording]) -> list[None]:
        """Each delivery only while its claim still holds. Raises what the database raises."""
        # The endpoints first: a crash in between repeats the attempt, and with it the note.
        await self._health.note(recordings)
        for one in recordings:
            # A success that nobody doubted changes nothing.
            told = one.probe or (one.attempt is not None and one.attempt.error is not None)
            if one.posted and told and one.delivery.endpoint_id is not None:
                self._endpoints.forget(one.delivery.endpoint_id)
        return await self._store.record(recordings)
