"""What all handlers share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from deploy.simulator.callbacks import Callbacks
from deploy.simulator.files import FileShelf
from deploy.simulator.inputs import InputImages
from deploy.simulator.jobs import JobBook
from deploy.simulator.rules import RuleBook
from deploy.simulator.sink import Sink
from deploy.simulator.stripe_book import StripeBook
from deploy.simulator.stripe_events import StripeEvents


@dataclass(frozen=True, slots=True)
class World:
    """The state of one simulator, in memory and gone with the process."""

    rules: RuleBook
    jobs: JobBook
    files: FileShelf
    inputs: InputImages
    sink: Sink
    callbacks: Callbacks
    stripe: StripeBook = field(default_factory=StripeBook)
    stripe_events: StripeEvents = field(default_factory=StripeEvents)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, seconds: float) -> bool:
        """Sleep; True at once when the server is closing."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return False
        return True


WORLD = web.AppKey("world", World)
