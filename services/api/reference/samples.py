"""Requests as commands, and values as text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import orjson

from services.api.reference.model import FORM, JSON, Content, Operation


def curl(operation: Operation, server_url: str, value: Any = None) -> str:
    """A command that can be pasted into a shell; the key comes from `$HATCHERY_KEY`."""
    method = {"GET": "", "HEAD": " --head"}.get(operation.method, f" -X {operation.method}")
    lines = [f"curl{method} {shlex.quote(server_url + (operation.sample or operation.path))}"]
    if operation.scope is not None:
        lines.append('-H "Authorization: Bearer $HATCHERY_KEY"')
    if operation.body is not None:
        lines += _form(value) if operation.body.media_type == FORM else _json(value)
    return " \\\n  ".join(lines)


def _json(value: Any) -> list[str]:
    return [f"-H 'Content-Type: {JSON}'", f"-d {shlex.quote(pretty(value))}"]


def _form(value: Mapping[str, Any]) -> list[str]:
    return [f"-F {shlex.quote(f'{name}={one}')}" for name, one in value.items()]


def shown(content: Content, value: Any) -> str:
    """An example as it is read."""
    return pretty(value) if content.media_type == JSON else str(value)


def pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
