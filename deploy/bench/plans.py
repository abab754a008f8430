"""Which index each query used: the commands as they were sent, explained afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from shared.mongo import Database, Document

_EXPLAINED: Final = frozenset({"find", "aggregate", "distinct", "count", "update", "delete", "findAndModify"})
_PARTS: Final = frozenset(
    {
        "find", "filter", "sort", "projection", "hint", "limit", "batchSize", "min", "max", "aggregate",
        "pipeline", "cursor", "distinct", "key", "query", "count", "update", "updates", "delete", "deletes",
        "findAndModify", "upsert", "new", "remove",
    }
)  # fmt: skip


class Plan(BaseModel):
    """How the server did what one command asked."""

    collection: str
    stages: list[str]
    indexes: list[str]
    keys_examined: int
    documents_examined: int
    returned: int

    @property
    def scans_all(self) -> bool:
        """It read the collection instead of an index."""
        return "COLLSCAN" in self.stages


class Recorder(CommandListener):
    """Remembers what a client asks while it is on, one command of each shape."""

    def __init__(self) -> None:
        self._commands: dict[str, Document] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _EXPLAINED:
            for command in _single(event.command_name, event.command):
                self._commands.setdefault(_shape(command), command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Of no interest."""

    def take(self) -> list[Document]:
        """What has been recorded since the last time."""
        commands, self._commands = list(self._commands.values()), {}
        return commands


async def explain(database: Database, command: Mapping[str, Any]) -> Plan:
    """Run a recorded command as an explanation: it reads, and changes nothing."""
    told = await database.command("explain", dict(command), verbosity="executionStats")
    name = next(iter(command))
    nodes = list(_nodes(told))
    stats = [node for node in nodes if "totalKeysExamined" in node]
    return Plan(
        collection=str(command[name]),
        stages=list(dict.fromkeys(str(node["stage"]) for node in nodes if "stage" in node)),
        indexes=list(dict.fromkeys(str(node["indexName"]) for node in nodes if "indexName" in node)),
        keys_examined=sum(node["totalKeysExamined"] for node in stats),
        documents_examined=sum(node["totalDocsExamined"] for node in stats),
        returned=sum(node["nReturned"] for node in stats),
    )


def _single(name: str, command: Mapping[str, Any]) -> Iterator[Document]:
    """Each write of a bulk by itself, without session and time limit."""
    plain = {key: value for key, value in command.items() if key in _PARTS}
    bulk = {"update": "updates", "delete": "deletes"}.get(name)
    if bulk is None:
        yield plain
        return
    for one in plain[bulk]:
        write = dict(one.items()) if isinstance(one, RawBSONDocument) else dict(one)
        yield {name: plain[name], bulk: [write]}


def _shape(value: Any, key: str = "") -> str:
    """The same for commands that differ in their values only."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_shape(one, name)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple) and key in ("updates", "deletes", "pipeline"):
        return "[" + ",".join(_shape(one) for one in value) + "]"
    if key in _EXPLAINED:
        return str(value)
    return type(value).__name__ if isinstance(value, list) else ""


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Everything within an explanation but the plans that lost."""
    if isinstance(value, Mapping):
        yield value
        for key, one in value.items():
            if key != "rejectedPlans":
                yield from _nodes(one)
    elif isinstance(value, list):
        for one in value:
            yield from _nodes(one)
