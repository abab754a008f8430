"""MongoDB as a replica set of one, so that transactions and change streams work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.ports import HOST
from deploy.local.process import Child
from deploy.local.server import Server

READY_SECONDS = 30.0
REPLICA_SET = "rs0"
NOT_YET_INITIALIZED = 94


class Mongod(Server):
    """One mongod with its data below `directory`; ready when it is primary."""

    stop_seconds = 8.0

    def __init__(self, binary: Path, directory: Path, port: int, log_file: Path) -> None:
        self.port = port
        self.url = f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"
        self._data = directory / "data"
        super().__init__(
            "mongod", "MongoDB", Child("mongod", _argv(binary, self._data, port), log_file=log_file)
        )

    async def spawn(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        await super().spawn()

    async def ready(self) -> None:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            HOST, self.port, directConnection=True, serverSelectionTimeoutMS=500
        )
        async with client:
            await self.child.ready(lambda: self._is_primary(client), READY_SECONDS)

    async def _is_primary(self, client: AsyncMongoClient[dict[str, Any]]) -> bool:
        try:
            hello = await client.admin.command("hello")
            if not hello["isWritablePrimary"]:
                await self._configure(client)
            return bool(hello["isWritablePrimary"])
        except PyMongoError:
            return False

    async def _configure(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        """Form the set, or move it to the port of today when its data come from a run on another."""
        members = [{"_id": 0, "host": f"{HOST}:{self.port}"}]
        try:
            config = (await client.admin.command("replSetGetConfig"))["config"]
        except OperationFailure as failure:
            if failure.code != NOT_YET_INITIALIZED:
                raise
            await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
            return
        if [member["host"] for member in config["members"]] != [member["host"] for member in members]:
            moved = config | {"members": members, "version": config["version"] + 1}
            await client.admin.command("replSetReconfig", moved, force=True)


def _argv(binary: Path, data: Path, port: int) -> list[str | Path]:
    return [
        binary,
        "--dbpath",
        data,
        "--port",
        str(port),
        "--bind_ip",
        HOST,
        "--nounixsocket",
        "--replSet",
        REPLICA_SET,
        "--oplogSize",
        "512",
        "--wiredTigerCacheSizeGB",
        "0.25",
        "--setParameter",
        "diagnosticDataCollectionEnabled=false",
        # A transaction whose process died holds its locks for this long and no longer.
        "--setParameter",
        "transactionLifetimeLimitSeconds=5",
    ]
