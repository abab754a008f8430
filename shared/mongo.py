"""The MongoDB client, its durability, its indexes, and which of its errors mean "not now"."""

from __future__ import annotations

from typing import Any

import pymongo
from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from shared.errors import HatcheryError

Document = dict[str, Any]
Database = AsyncDatabase[Document]

_UNAVAILABLE = (
    ConnectionFailure,
    ExecutionTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
_DUPLICATE_KEY = 11000
_TRANSIENT_CODES = frozenset({43, 91, 175, 189, 237, 10107, 11600, 11602, 13435, 13436})
"""Shutdowns and fail-overs, and cursors that did not survive them."""

_INDEX_SECONDS = 24 * 3600

INDEXES: dict[str, list[IndexModel]] = {
    "tasks": [
        IndexModel(
            [("state", ASCENDING), ("wake_at", ASCENDING)],
            partialFilterExpression={"wake_at": {"$exists": True}},
            name="waking",
        ),
        IndexModel([("account_id", ASCENDING), ("dialect", ASCENDING), ("_id", DESCENDING)]),
        IndexModel(
            [
                ("account_id", ASCENDING),
                ("completed_at", DESCENDING),
                ("_id", DESCENDING),
                ("model", ASCENDING),
                ("key_id", ASCENDING),
            ],
            partialFilterExpression={"state": "completed"},
            name="charged",
        ),
        IndexModel(
            [("created_at", DESCENDING)],
            partialFilterExpression={"attempts.orphan_suspect": True},
            name="orphans",
        ),
        IndexModel(
            [("account_id", ASCENDING), ("idempotency.key", ASCENDING)],
            partialFilterExpression={"idempotency.key": {"$exists": True}},
            name="idempotency",
            unique=True,
        ),
        IndexModel(
            [("idempotency.expires_at", ASCENDING)],
            partialFilterExpression={"idempotency.expires_at": {"$exists": True}},
            name="expiring_keys",
        ),
    ],
    "ledger": [
        IndexModel([("account", ASCENDING), ("seq", ASCENDING)], unique=True),
        IndexModel([("entries.op", ASCENDING)], unique=True),
    ],
    "open_holds": [IndexModel([("look_at", ASCENDING)])],
    "keys": [
        IndexModel([("digest", ASCENDING)], unique=True),
        IndexModel([("account_id", ASCENDING)]),
    ],
    "accounts": [
        IndexModel([("email", ASCENDING)], unique=True),
        IndexModel(
            [("thresholds.set_at", ASCENDING)],
            partialFilterExpression={"thresholds.set_at": {"$exists": True}},
            name="thresholds",
        ),
    ],
    "deliveries": [
        IndexModel(
            [
                ("task_id", ASCENDING),
                ("event", ASCENDING),
                ("url", ASCENDING),
                ("endpoint_id", ASCENDING),
            ],
            partialFilterExpression={"task_id": {"$exists": True}},
            name="of_tasks",
            unique=True,
        ),
        IndexModel(
            [("event_id", ASCENDING), ("endpoint_id", ASCENDING)],
            partialFilterExpression={"endpoint_id": {"$exists": True}},
            name="of_events",
            unique=True,
        ),
        IndexModel([("wake_at", ASCENDING)], partialFilterExpression={"wake_at": {"$exists": True}}),
        IndexModel([("account_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)]),
        IndexModel(
            [("endpoint_id", ASCENDING), ("state", ASCENDING), ("_id", DESCENDING)],
            partialFilterExpression={"endpoint_id": {"$exists": True}},
            name="of_endpoints",
        ),
        IndexModel(
            [("ended_at", ASCENDING)],
            expireAfterSeconds=30 * 24 * 3600,
            partialFilterExpression={"ended_at": {"$exists": True}},
            name="kept for 30 days",
        ),
    ],
    "webhook_endpoints": [IndexModel([("account_id", ASCENDING), ("slot", ASCENDING)], unique=True)],
    "account_events": [
        IndexModel([("wake_at", ASCENDING)], partialFilterExpression={"wake_at": {"$exists": True}}),
        # Some are told once a month: their ids outlast it.
        IndexModel([("at", ASCENDING)], expireAfterSeconds=60 * 24 * 3600, name="kept for 60 days"),
    ],
    "requests": [
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)]),
        IndexModel([("at", ASCENDING)], expireAfterSeconds=30 * 24 * 3600, name="kept for 30 days"),
    ],
    "usage_days": [IndexModel([("account", ASCENDING), ("day", ASCENDING)], unique=True)],
    "topups": [
        IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)]),
        IndexModel(
            [("payments", ASCENDING)],
            partialFilterExpression={"payments": {"$exists": True}},
            name="payments",
            unique=True,
        ),
        IndexModel(
            [("account_id", ASCENDING), ("idempotency.key", ASCENDING)],
            partialFilterExpression={"idempotency.key": {"$exists": True}},
            name="idempotency",
            unique=True,
        ),
        IndexModel([("wake_at", ASCENDING)], partialFilterExpression={"wake_at": {"$exists": True}}),
        IndexModel(
            [("created_at", DESCENDING)],
            partialFilterExpression={"problems": {"$exists": True}},
            name="problems",
        ),
    ],
    "payment_events": [
        IndexModel([("wake_at", ASCENDING)], partialFilterExpression={"wake_at": {"$exists": True}}),
        IndexModel(
            [("payments", ASCENDING)],
            partialFilterExpression={"wake_at": {"$exists": True}},
            name="waiting",
        ),
        IndexModel(
            [("received_at", DESCENDING)],
            partialFilterExpression={"problem": {"$exists": True}},
            name="problems",
        ),
    ],
    "codes": [
        IndexModel([("digest", ASCENDING)], unique=True),
        IndexModel([("wake_at", ASCENDING)], partialFilterExpression={"wake_at": {"$exists": True}}),
    ],
    "rate_limits": [IndexModel([("ends_at", ASCENDING)], expireAfterSeconds=0)],
}

RETIRED_INDEXES = {"deliveries": ["task_id_1_event_1_url_1"], "tasks": ["completed"]}
"""Of earlier versions: today's data would break them, or others took their place."""
_INDEX_NOT_FOUND = 27


class DatabaseUnavailable(HatcheryError):
    """The service cannot reach its database at the moment. Try again shortly."""

    code, status, retry_after_seconds = "service_unavailable", 503, 2


def connect(url: str) -> AsyncMongoClient[Document]:
    """A client whose every write is acknowledged by a majority and journalled."""
    return AsyncMongoClient(
        url,
        w="majority",
        journal=True,
        tz_aware=True,
        retryWrites=True,
        retryReads=True,
        serverSelectionTimeoutMS=3_000,
        connectTimeoutMS=3_000,
        timeoutMS=8_000,
        maxPoolSize=64,
        appname="hatchery",
    )


async def ensure_indexes(database: Database) -> None:
    """Create what is missing; safe from several processes at once. On much data it takes its time."""
    # `None` would stand for the client's own time limit.
    with pymongo.timeout(_INDEX_SECONDS):
        await _create_indexes(database)


async def _create_indexes(database: Database) -> None:
    for collection, indexes in INDEXES.items():
        await database[collection].create_indexes(indexes)
    for collection, names in RETIRED_INDEXES.items():
        for name in names:
            try:
                await database[collection].drop_index(name)
            except OperationFailure as error:
                if error.code != _INDEX_NOT_FOUND:
                    raise


def duplicates(error: BulkWriteError) -> list[Document]:
    """The documents of an unordered insert that exist already: `{"index", "op", …}` each.

    Raises DatabaseUnavailable when what was inserted may yet be rolled back, and the error itself when a
    document failed for another reason.
    """
    if error.details["writeConcernErrors"]:
        raise DatabaseUnavailable from error
    failures: list[Document] = error.details["writeErrors"]
    if not failures or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
        raise error
    return failures


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the database is away, rather than that the request is wrong."""
    if isinstance(error, (DatabaseUnavailable, *_UNAVAILABLE)):
        return True
    if isinstance(error, ConfigurationError):
        # Raised in the middle of a fail-over, when the driver knows no data-bearing server.
        return "Sessions are not supported" in str(error)
    if isinstance(error, BulkWriteError):
        return bool(error.details.get("writeConcernErrors")) and not error.details.get("writeErrors")
    if isinstance(error, WriteConcernError):
        return True
    code = getattr(error, "code", None)
    return isinstance(error, PyMongoError) and (error.timeout or code in _TRANSIENT_CODES)
