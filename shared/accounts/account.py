"""Accounts: who owns keys, tasks and a balance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document
from shared.secrets import SecretBox, new_webhook_secret
from shared.webhooks.secrets import (
    SECRET_FIELDS,
    TooManySecrets,
    WebhookSecrets,
    opened,
    rotation,
    still_room,
)


class EmailTaken(HatcheryError):
    """There is an account with this e-mail address already."""

    code, status = "email_taken", 409


class UnknownAccount(HatcheryError):
    """There is no account with this id."""

    code, status = "account_not_found", 404


class BadEmail(HatcheryError):
    """An e-mail address looks like name@example.org."""

    code, status = "invalid_email", 422


@dataclass(frozen=True, slots=True)
class Account:
    """`status` is `active` or `suspended`."""

    id: str
    email: str
    status: str
    created_at: datetime


class Accounts:
    """The `accounts` collection."""

    def __init__(self, database: Database, clock: Clock, secrets: SecretBox) -> None:
        self._accounts = database["accounts"]
        self._clock = clock
        self._secrets = secrets

    async def create(self, email: str) -> tuple[Account, str]:
        """A new account and its webhook secret (`whsec_` and 24 random bytes in base64).

        Raises EmailTaken and BadEmail.
        """
        address = email.strip().lower()
        name, _, domain = address.rpartition("@")
        if not name or "." not in domain or any(character.isspace() for character in address):
            raise BadEmail
        account = Account(new_id(Prefix.ACCOUNT), address, "active", self._clock.now())
        secret = new_webhook_secret()
        try:
            await self._accounts.insert_one(
                {
                    "_id": account.id,
                    "email": account.email,
                    "status": account.status,
                    "webhook_secret": self._secrets.seal(secret, account.id),
                    "created_at": account.created_at,
                }
            )
        except DuplicateKeyError as error:
            raise EmailTaken(f"There is an account with the e-mail address {address} already.") from error
        return account, secret

    async def get(self, account_id: str) -> Account:
        """Raises UnknownAccount."""
        return _account(await self._find(account_id))

    async def webhook_secrets(self, account_id: str) -> WebhookSecrets:
        """What signs this account's webhooks. Raises UnknownAccount."""
        document = await self._accounts.find_one({"_id": account_id}, SECRET_FIELDS)
        return opened(_known(document, account_id), self._secrets, account_id)

    async def rotate_webhook_secret(self, account_id: str, overlap: timedelta) -> str:
        """The new secret; the one before stays valid for `overlap`.

        Raises UnknownAccount and TooManySecrets.
        """
        now, secret = self._clock.now(), new_webhook_secret()
        result = await self._accounts.update_one(
            {"_id": account_id, **still_room(now, now + overlap)},
            rotation(self._secrets.seal(secret, account_id), now, now + overlap),
        )
        if result.matched_count == 0:
            await self._find(account_id)
            raise TooManySecrets
        return secret

    async def _find(self, account_id: str) -> Document:
        return _known(await self._accounts.find_one({"_id": account_id}), account_id)


def _known(document: Document | None, account_id: str) -> Document:
    if document is None:
        raise UnknownAccount(f"There is no account {account_id}.")
    return document


def _account(document: Document) -> Account:
    return Account(document["_id"], document["email"], document["status"], document["created_at"])
