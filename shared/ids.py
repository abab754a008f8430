"""Ids: a prefix that names the kind, then a lower-case ULID, so that they grow with time."""

from __future__ import annotations

from enum import StrEnum

from ulid import ULID


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
    if prefix is Prefix.AIGENWAY_TASK:
        return f"{prefix.value}_{ULID()}"
    separator = "" if prefix.value.endswith("-") else "_"
    return f"{prefix.value}{separator}{str(ULID()).lower()}"
