"""Clients of a database that is not there."""

from __future__ import annotations

import gc
import warnings

from pymongo import AsyncMongoClient

from shared.mongo import Document


async def close_in_vain(client: AsyncMongoClient[Document]) -> None:
    """Close a client that was still trying to connect.

    PyMongo leaves the socket of an attempt that it cancels to the garbage collector, whose warning would fail
    whichever test is running then.
    """
    await client.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
