"""The `webhook_endpoints` collection, as the account's owner uses it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document
from shared.secrets import SecretBox, new_webhook_secret
from shared.webhooks.endpoint import (
    MOST_ENDPOINTS,
    Endpoint,
    NewEndpoint,
    TooManyEndpoints,
    UnknownEndpoint,
    change,
)
from shared.webhooks.secrets import TooManySecrets, rotation, still_room


class Endpoints:
    """Everything is asked with the account: another's endpoint is an unknown one."""

    def __init__(self, database: Database, clock: Clock, secrets: SecretBox) -> None:
        self._endpoints = database["webhook_endpoints"]
        self._clock = clock
        self._secrets = secrets

    async def create(self, account_id: str, new: NewEndpoint) -> tuple[Endpoint, str]:
        """The endpoint and its secret, which cannot be shown again. Raises TooManyEndpoints."""
        secret, endpoint_id = new_webhook_secret(), new_id(Prefix.ENDPOINT)
        document: Document = {
            "_id": endpoint_id,
            "account_id": account_id,
            "url": new.url,
            "events": list(new.events),
            "description": new.description,
            "enabled": True,
            "webhook_secret": self._secrets.seal(secret, endpoint_id),
            "created_at": self._clock.now(),
        }
        while True:
            cursor = self._endpoints.find({"account_id": account_id}, {"slot": 1})
            taken = {one["slot"] async for one in cursor}
            free = next((slot for slot in range(MOST_ENDPOINTS) if slot not in taken), None)
            if free is None:
                raise TooManyEndpoints
            try:
                # Places are numbered and unique, so that two requests at once cannot exceed the number.
                await self._endpoints.insert_one({**document, "slot": free})
            except DuplicateKeyError:
                continue
            return Endpoint.of(document), secret

    async def of_account(self, account_id: str) -> list[Endpoint]:
        """All, the newest first."""
        cursor = self._endpoints.find({"account_id": account_id}).sort("_id", -1)
        return [Endpoint.of(document) async for document in cursor]

    async def get(self, account_id: str, endpoint_id: str) -> Endpoint:
        """Raises UnknownEndpoint."""
        document = await self._endpoints.find_one({"_id": endpoint_id, "account_id": account_id})
        return Endpoint.of(_found(document))

    async def change(self, account_id: str, endpoint_id: str, wanted: Mapping[str, Any]) -> Endpoint:
        """New values of `url`, `events`, `description` or `enabled`. Raises UnknownEndpoint."""
        update = change(wanted, self._clock.now())
        if not update:
            return await self.get(account_id, endpoint_id)
        document = await self._endpoints.find_one_and_update(
            {"_id": endpoint_id, "account_id": account_id}, update, return_document=ReturnDocument.AFTER
        )
        return Endpoint.of(_found(document))

    async def delete(self, account_id: str, endpoint_id: str) -> None:
        """What waits for it is given up at its next attempt. Raises UnknownEndpoint."""
        result = await self._endpoints.delete_one({"_id": endpoint_id, "account_id": account_id})
        if result.deleted_count == 0:
            raise UnknownEndpoint

    async def rotate(self, account_id: str, endpoint_id: str, overlap: timedelta) -> tuple[Endpoint, str]:
        """The endpoint and its new secret; the one before stays valid for `overlap`.

        Raises UnknownEndpoint and TooManySecrets.
        """
        now, secret = self._clock.now(), new_webhook_secret()
        document = await self._endpoints.find_one_and_update(
            {"_id": endpoint_id, "account_id": account_id, **still_room(now, now + overlap)},
            rotation(self._secrets.seal(secret, endpoint_id), now, now + overlap),
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            await self.get(account_id, endpoint_id)
            raise TooManySecrets
        return Endpoint.of(document), secret


def _found(document: Document | None) -> Document:
    if document is None:
        raise UnknownEndpoint
    return document
