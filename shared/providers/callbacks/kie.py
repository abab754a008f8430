"""kie.ai's signed callbacks. Source: docs.kie.ai, "Webhook Security Verification".

HMAC-SHA256 over `{taskId}.{timestamp}`. The rest of the body is not signed: whoever caught one message can
change what it says, so it tells nothing but that the task may have moved.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import SecretStr

from shared.providers.callbacks.base import is_recent, job_id, lower_names, object_of


class KieCallbacks:
    """Verifies with the account's webhook key (`webhookHmacKey` of its settings page)."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key.get_secret_value().encode()

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The id of the task that was signed."""
        named = lower_names(headers)
        timestamp = named.get("x-webhook-timestamp", "")
        task_id = _task_id(object_of(body))
        if task_id is None or not is_recent(timestamp, now):
            return None
        expected = b64encode(hmac.digest(self._key, f"{task_id}.{timestamp}".encode(), sha256))
        given = named.get("x-webhook-signature", "").encode()
        return task_id if hmac.compare_digest(expected, given) else None


def _task_id(body: dict[str, Any]) -> str | None:
    """`data.taskId`; some of kie's interfaces write `task_id`, or put it beside `data`."""
    data = body.get("data")
    places = (data, body) if isinstance(data, dict) else (body,)
    found = (place.get(name) for place in places for name in ("taskId", "task_id"))
    return next((task_id for value in found if (task_id := job_id(value))), None)
