"""Webhook secrets that are replaced while receivers still know the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.errors import HatcheryError
from shared.mongo import Document
from shared.secrets import SecretBox

DEFAULT_OVERLAP: Final = timedelta(days=1)
LONGEST_OVERLAP: Final = timedelta(days=7)
MOST_SECRETS: Final = 5
"""Valid at a time: each adds a signature to every attempt."""
SECRET_FIELDS: Final = {"webhook_secret": 1, "old_webhook_secrets": 1}


class TooManySecrets(HatcheryError):
    """Too many secrets are valid at once: wait for an overlap to end, or rotate with an overlap of 0"""

    code, status = "too_many_secrets", 409


@dataclass(frozen=True, slots=True)
class OldSecret:
    """Replaced, and still valid until then."""

    text: str
    until: datetime


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """`current` is what the customer was shown last: `whsec_` and base64."""

    current: str
    old: tuple[OldSecret, ...] = ()
    """The newest first."""

    def valid_at(self, at: datetime) -> tuple[str, ...]:
        """What an attempt made at this time is signed with, the current one first."""
        return (self.current, *(one.text for one in self.old if one.until > at))


def opened(document: Document, box: SecretBox, context: str) -> WebhookSecrets:
    """The secrets of an account, a key or an endpoint, read with SECRET_FIELDS.

    Raises cryptography's InvalidTag where they were sealed with another key.
    """
    old = document.get("old_webhook_secrets", ())
    return WebhookSecrets(
        box.open(document["webhook_secret"], context),
        tuple(OldSecret(box.open(one["sealed"], context), one["until"]) for one in old),
    )


def still_room(now: datetime, until: datetime) -> Document:
    """The condition under which one more secret may be valid until then: to be put into the query.

    With an overlap of nothing there is always room, since all older ones end with it.
    """
    if until <= now:
        return {}
    valid = {
        "$filter": {
            "input": {"$ifNull": ["$old_webhook_secrets", []]},
            "cond": {"$gt": ["$$this.until", now]},
        }
    }
    return {"$expr": {"$lt": [{"$size": valid}, MOST_SECRETS - 1]}}


def rotation(sealed: bytes, now: datetime, until: datetime) -> Sequence[dict[str, Any]]:
    """The update that puts a new secret in place; no older one lives longer than `until`."""
    replaced = {"sealed": "$webhook_secret", "until": until}
    older = {
        "$map": {
            "input": {
                "$filter": {
                    "input": {"$ifNull": ["$old_webhook_secrets", []]},
                    "cond": {"$gt": ["$$this.until", now]},
                }
            },
            "in": {"sealed": "$$this.sealed", "until": {"$min": ["$$this.until", until]}},
        }
    }
    old: Any = {"$concatArrays": [[replaced], older]} if until > now else []
    return [{"$set": {"webhook_secret": sealed, "old_webhook_secrets": old}}]
