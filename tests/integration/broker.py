"""A vhost of the broker, looked at and meddled with from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import aiohttp
from aio_pika.abc import AbstractChannel
from yarl import URL

from shared.bus.topology import EXCHANGE, QueueSpec, declare_queue


class Vhost:
    """Created and deleted by the management API; messages go in and out by hand."""

    def __init__(self, name: str, url: str, management_url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._name = name
        self._management_url = management_url
        self._session = session

    async def create(self) -> None:
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        await self._manage("PUT", f"vhosts/{self._name}")
        await self._manage("PUT", f"permissions/{self._name}/guest", rights)

    async def delete(self) -> None:
        await self._manage("DELETE", f"vhosts/{self._name}")

    async def close_connections(self, name: str) -> int:
        """Cut the connections whose own name begins so; gives how many."""
        async with self._session.get(f"{self._management_url}/api/vhosts/{self._name}/connections") as answer:
            answer.raise_for_status()
            connections = await answer.json()
        named = [one["name"] for one in connections if one.get("user_provided_name", "").startswith(name)]
        for one in named:
            await self._manage("DELETE", f"connections/{one.replace(' ', '%20').replace('>', '%3E')}")
        return len(named)

    async def _manage(self, method: str, path: str, body: object = None) -> None:
        async with self._session.request(
            method, URL(f"{self._management_url}/api/{path}", encoded=True), json=body
        ) as answer:
            answer.raise_for_status()

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        async with await aio_pika.connect(self.url) as connection, connection.channel() as channel:
            yield channel

    async def send(self, spec: QueueSpec, *bodies: bytes) -> None:
        """Put bodies straight into a queue, in order."""
        async with self.channel() as channel:
            await declare_queue(channel, spec)
        await self.send_to(spec.name, *bodies)

    async def send_to(self, queue: str, *bodies: bytes) -> None:
        """The same, to a queue that is there."""
        async with self.channel() as channel:
            for body in bodies:
                await channel.default_exchange.publish(aio_pika.Message(body), queue)

    async def ring(self, routing_key: str, body: bytes) -> None:
        """Publish to the exchange of events."""
        async with self.channel() as channel:
            exchange = await channel.get_exchange(EXCHANGE)
            await exchange.publish(aio_pika.Message(body), routing_key, mandatory=False)

    async def waiting(self, name: str) -> int:
        """How many messages of a queue are ready; -1 while there is no such queue."""
        async with self.channel() as channel:
            try:
                queue = await channel.declare_queue(name, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return -1
            return int(queue.declaration_result.message_count or 0)

    async def take(self, name: str) -> list[bytes]:
        """Everything that is in a queue, taken out."""
        async with self.channel() as channel:
            queue = await channel.get_queue(name)
            bodies = []
            while (message := await queue.get(fail=False)) is not None:
                await message.ack()
                bodies.append(message.body)
            return bodies
