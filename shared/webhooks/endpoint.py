"""Webhook endpoints: addresses of an account that are told of its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from shared.errors import HatcheryError
from shared.mongo import Document
from shared.webhooks.events import EVERYTHING

MOST_ENDPOINTS: Final = 20
"""Of one account."""


class UnknownEndpoint(HatcheryError):
    """There is no such webhook endpoint"""

    code, status = "webhook_not_found", 404


class TooManyEndpoints(HatcheryError):
    """An account may have 20 webhook endpoints"""

    code, status = "too_many_webhooks", 409


class EndpointDisabled(HatcheryError):
    """This webhook endpoint is disabled"""

    code, status = "webhook_disabled", 409


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`disabled_reason` and `disabled_at` are None exactly while it is enabled."""

    id: str
    account_id: str
    url: str
    events: tuple[str, ...]
    description: str
    enabled: bool
    disabled_reason: str | None
    disabled_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls(
            document["_id"],
            document["account_id"],
            document["url"],
            tuple(document["events"]),
            document["description"],
            document["enabled"],
            document.get("disabled_reason"),
            document.get("disabled_at"),
            document["created_at"],
        )


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What a customer says of an endpoint to be."""

    url: str
    events: tuple[str, ...] = (EVERYTHING,)
    description: str = ""


def change(wanted: Mapping[str, Any], now: datetime) -> Sequence[dict[str, Any]]:
    """The update for new values of `url`, `events`, `description` and `enabled`.

    One that is switched on again starts anew: what it failed before is forgotten.
    """
    fields = {name: {"$literal": value} for name, value in wanted.items()}
    match wanted.get("enabled"):
        case True:
            state: list[dict[str, Any]] = [
                {"$unset": ["disabled_reason", "disabled_at", "failing_since", "failures", "rests_until"]}
            ]
        case False:
            state = [
                {
                    "$set": {
                        "disabled_reason": {"$ifNull": ["$disabled_reason", "switched off"]},
                        "disabled_at": {"$ifNull": ["$disabled_at", now]},
                    }
                }
            ]
        case _:
            state = []
    return [{"$set": fields}, *state] if fields else state
