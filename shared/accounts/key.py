"""API keys: `sk_live_<prefix>_<secret>`, shown once, stored as a keyed digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from shared.catalog.terms import AccountTerms
from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.mongo import Database
from shared.secrets import SecretBox, new_webhook_secret
from shared.webhooks.secrets import (
    SECRET_FIELDS,
    TooManySecrets,
    WebhookSecrets,
    opened,
    rotation,
    still_room,
)

_ALPHABET = string.digits + string.ascii_letters
_PREFIX_LENGTH = 8
_RANDOM_LENGTH = 33
"""Of 62 letters: 196 bits."""
_CHECKSUM_LENGTH = 6


class UnknownKey(HatcheryError):
    """There is no API key with this id."""

    code, status = "key_not_found", 404


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Who a valid key speaks for."""

    key_id: str
    account_id: str
    suspended: bool
    scopes: frozenset[str] = frozenset()
    """What the key may be used for; empty: everything."""
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    """None: the platform's default."""
    terms: AccountTerms = field(default_factory=AccountTerms)
    """What is agreed with the account."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be shown of a key."""

    key_id: str
    name: str
    prefix: str
    last_four: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def new_key() -> str:
    """A key with a checksum, so that mistyped ones are refused without a look-up."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX_LENGTH))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    body = f"sk_live_{prefix}_{secret}"
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    """Whether the text has a key's shape and its checksum is right."""
    parts = key.split("_")
    if len(parts) != 4 or parts[:2] != ["sk", "live"] or not key.isascii():
        return False
    if len(parts[2]) != _PREFIX_LENGTH or len(parts[3]) != _RANDOM_LENGTH + _CHECKSUM_LENGTH:
        return False
    return hmac.compare_digest(_checksum(key[:-_CHECKSUM_LENGTH]), key[-_CHECKSUM_LENGTH:])


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    letters = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[index]
    return letters


class Keys:
    """The `keys` collection."""

    def __init__(
        self, database: Database, clock: Clock, pepper: SecretStr, secrets: SecretBox | None = None
    ) -> None:
        """With `secrets`, new keys get a webhook secret of their own, and those can be read."""
        self._keys = database["keys"]
        self._accounts = database["accounts"]
        self._clock = clock
        self._pepper = pepper.get_secret_value().encode()
        self._secrets = secrets

    async def create(
        self,
        account_id: str,
        name: str = "default",
        scopes: Iterable[str] = (),
        expires_at: datetime | None = None,
        requests_per_minute: int | None = None,
    ) -> tuple[str, str]:
        """Key id and the key itself, which is not stored and cannot be shown again."""
        key, key_id = new_key(), new_id(Prefix.KEY)
        sealed = {}
        if self._secrets is not None:
            sealed["webhook_secret"] = self._secrets.seal(new_webhook_secret(), key_id)
        await self._keys.insert_one(
            {
                "_id": key_id,
                "account_id": account_id,
                "name": name,
                "prefix": key.split("_")[2],
                "last_four": key[-4:],
                "digest": self.digest(key),
                "scopes": sorted(scopes),
                "expires_at": expires_at,
                "requests_per_minute": requests_per_minute,
                "created_at": self._clock.now(),
                "revoked_at": None,
                **sealed,
            }
        )
        return key_id, key

    async def webhook_secrets(self, key_id: str) -> WebhookSecrets | None:
        """What signs the webhooks of this key's Aigenway tasks; None for one without a secret of its own."""
        found = await self._keys.find_one({"_id": key_id}, SECRET_FIELDS)
        if self._secrets is None or found is None or "webhook_secret" not in found:
            return None
        return opened(found, self._secrets, key_id)

    async def rotate_webhook_secret(self, key_id: str, overlap: timedelta, secrets: SecretBox) -> str:
        """The new secret; the one before, its own or its account's, stays valid for `overlap`.

        Raises UnknownKey and TooManySecrets.
        """
        found = await self._keys.find_one({"_id": key_id}, {"account_id": 1, "webhook_secret": 1})
        account_id = found["account_id"] if found is not None else None
        account = await self._accounts.find_one({"_id": account_id}, {"webhook_secret": 1})
        if found is None or account is None:
            raise UnknownKey(f"There is no API key {key_id}.")
        if "webhook_secret" not in found:
            lent = secrets.open(account["webhook_secret"], found["account_id"])
            await self._keys.update_one(
                {"_id": key_id, "webhook_secret": {"$exists": False}},
                {"$set": {"webhook_secret": secrets.seal(lent, key_id)}},
            )
        now, secret = self._clock.now(), new_webhook_secret()
        result = await self._keys.update_one(
            {"_id": key_id, **still_room(now, now + overlap)},
            rotation(secrets.seal(secret, key_id), now, now + overlap),
        )
        if result.matched_count == 0:
            raise TooManySecrets
        return secret

    async def revoke(self, key_id: str) -> None:
        """Void a key; a second time changes nothing. Raises UnknownKey."""
        result = await self._keys.update_one(
            {"_id": key_id}, [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", self._clock.now()]}}}]
        )
        if result.matched_count == 0:
            raise UnknownKey(f"There is no API key {key_id}.")

    async def find(self, key: str) -> KeyOwner | None:
        """The owner of a valid key; None for a malformed, unknown or revoked one."""
        if not well_formed(key):
            return None
        document = await self._keys.find_one({"digest": self.digest(key)})
        if document is None or document["revoked_at"] is not None:
            return None
        fields = {"status": 1, "discounts": 1}
        account = await self._accounts.find_one({"_id": document["account_id"]}, fields)
        if account is None:
            return None
        return KeyOwner(
            document["_id"],
            document["account_id"],
            account["status"] != "active",
            frozenset(document.get("scopes", ())),
            document.get("expires_at"),
            document.get("requests_per_minute"),
            AccountTerms(account.get("discounts", {})),
        )

    async def of_account(self, account_id: str) -> list[KeyFacts]:
        """All keys of an account, also revoked ones, newest first."""
        found = self._keys.find({"account_id": account_id}, {"digest": 0}).sort("created_at", -1)
        return [
            KeyFacts(
                document["_id"],
                document["name"],
                document["prefix"],
                document["last_four"],
                tuple(document.get("scopes", ())),
                document.get("requests_per_minute"),
                document["created_at"],
                document.get("expires_at"),
                document["revoked_at"],
            )
            async for document in found
        ]

    def digest(self, key: str) -> bytes:
        """HMAC-SHA256 of the key under the pepper."""
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).digest()
