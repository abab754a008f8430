"""A dialect as it is described to its clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.api.reference.schema import Schema
from shared.errors import HatcheryError

JSON = "application/json"
EVENTS = "text/event-stream"
FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Content:
    """A body; `examples` by their titles, JSON values or, for other media types, text."""

    schema: Schema
    examples: Mapping[str, Any] = field(default_factory=dict)
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that is no error. `headers` names components of the document."""

    status: int
    summary: str
    contents: tuple[Content, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that can be answered, as the code raises it; the dialect's own renderer gives it its shape."""

    error: HatcheryError
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint. `scope` is None where no key is asked for, "" where any key will do."""

    method: str
    path: str
    name: str
    summary: str
    description: str = ""
    scope: str | None = ""
    parameters: tuple[Schema, ...] = ()
    body: Content | None = None
    answers: tuple[Answer, ...]
    problems: tuple[Problem, ...] = ()
    idempotent: bool = False
    """Takes an `Idempotency-Key`."""
    limited: bool = True
    """Counted by the rate limit."""
    sample: str | None = None
    """The path with values, for examples, where parameters have no example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A webhook."""

    name: str
    summary: str
    description: str
    parameters: tuple[Schema, ...]
    body: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """All that is told of one dialect. `about` has paragraphs; `code` stands between backticks."""

    name: str
    title: str
    summary: str
    about: tuple[str, ...]
    operations: tuple[Operation, ...]
    schemas: Mapping[str, Schema]
    events: tuple[Event, ...] = ()
