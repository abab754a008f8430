"""Ids: a prefix that names the kind, then a lower-case ULID, so that they grow with time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from ulid import ULID

_CHARACTERS: Final = 26
_TIME_CHARACTERS: Final = 10
"""The first ones of a ULID say when it was made."""


class Prefix(StrEnum):
    """What an id is of. A task's prefix also tells the dialect it was asked in."""

    EGGAPI_TASK = "gen"
    AIGENWAY_TASK = "tsk"
    IMAGE = "img"
    CHAT = "chatcmpl-"
    EMBEDDING = "emb"
    ACCOUNT = "acc"
    KEY = "key"
    DELIVERY = "whd"
    REQUEST = "req"
    TOPUP = "top"
    ADJUSTMENT = "adj"
    CAP = "cap"
    REDEMPTION_CODE = "rdm"
    EVENT = "evt"
    ENDPOINT = "whe"
    OWNER = "own"
    LOG = "log"


def new_id(prefix: Prefix) -> str:
    """For example `gen_01k6x0v7w3h2m9q4x1b8c5d7ef`; a prefix may bring a separator of its own.

    Aigenway writes its ULIDs in capitals.
    """
    return _written(prefix, str(ULID()))


def first_id(prefix: Prefix, at: datetime) -> str:
    """What sorts before every id made at this time or later, and after all earlier ones."""
    return _written(prefix, str(ULID.from_datetime(at))[:_TIME_CHARACTERS])


def made_at(some_id: str) -> datetime:
    """When an id was made (UTC). Raises ValueError for what is none."""
    return ULID.from_str(some_id[-_CHARACTERS:].upper()).datetime


def _written(prefix: Prefix, ulid: str) -> str:
    if prefix is Prefix.AIGENWAY_TASK:
        return f"{prefix.value}_{ulid}"
    separator = "" if prefix.value.endswith("-") else "_"
    return f"{prefix.value}{separator}{ulid.lower()}"
