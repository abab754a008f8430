"""Replies as a test writes them down."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict

from shared.providers.exchange import NoReply, Reply


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    """A reply with a JSON body, or bytes as they are; header names with underscores for hyphens."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Reply(status, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), raw)


HTML = b"<html><head><title>502</title></head><body><center>nginx</center></body></html>"
LOST = NoReply(sent=True, reason="the provider did not answer in time")
UNSENT = NoReply(sent=False, reason="could not connect to the provider")
