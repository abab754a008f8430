"""JSON as a public service should take it: nothing costly, nothing that two readers could read differently.

orjson by itself refuses NaN, infinities, numbers beyond the range of doubles, lone surrogates, invalid UTF-8
and byte order marks; depth, size, integers, NUL and repeated names are checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from services.api.errors import MalformedRequest

MOST_DEPTH: Final = 32
MOST_NODES: Final = 10_000
"""Objects, arrays, and what is in them; names do not count."""
_INT64: Final = 2**63
_TOO_BIG: Final = "The body has a number that does not fit into 64 bits"
_ESCAPED_COLON: Final = re.compile(rb"\\u003a", re.IGNORECASE)


def parse_json(body: bytes) -> Any:
    """The document. Raises MalformedRequest with a sentence on what is wrong with it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}") from error
    _walk(value)
    if _may_repeat_names(body, value):
        _refuse_repeated_names(body)
    return value


def _walk(root: Any) -> None:
    """Level by level, so that no depth can exhaust the stack."""
    level, nodes, depth = [root], 0, 0
    while level:
        nodes += len(level)
        if nodes > MOST_NODES:
            raise MalformedRequest(f"The body has more than {MOST_NODES} values")
        below: list[Any] = []
        containers = 0
        for value in level:
            kind = type(value)
            if kind is dict or kind is list:
                containers += 1
                below += _inside(value)
            else:
                _check_leaf(value)
        depth += containers > 0
        if depth > MOST_DEPTH:
            raise MalformedRequest(f"The body is nested more than {MOST_DEPTH} deep")
        level = below


def _inside(container: Any) -> Iterable[Any]:
    if type(container) is list:
        return container
    for name in container:
        _check_text(name)
    values: Iterable[Any] = container.values()
    return values


def _check_leaf(value: Any) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is int and not -_INT64 <= value < _INT64:
        raise MalformedRequest(_TOO_BIG)
    elif kind is float and not -_INT64 < value < _INT64:
        # orjson gives integers beyond 64 bits as doubles.
        raise MalformedRequest(_TOO_BIG)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedRequest("The body has a NUL character in a text")


def _may_repeat_names(body: bytes, value: Any) -> bool:
    """Whether colons were lost in reading: each belongs to a name or to a text that is still there.

    Only an escaped colon, which comes back as a plain one, could make up for a lost one.
    """
    return body.count(b":") != orjson.dumps(value).count(b":") or _ESCAPED_COLON.search(body) is not None


def _refuse_repeated_names(body: bytes) -> None:
    json.loads(body, object_pairs_hook=_unrepeated)


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for number, name in enumerate(names) if name in names[:number])
        raise MalformedRequest(f"The body has the name {json.dumps(repeated)[:100]} twice in one object")
    return members
