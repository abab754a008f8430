"""Made-up requests led to things that exist, so that more than refusals is answered."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from schemathesis import Case

_numbers = count()
_KEY = re.compile(r"[A-Za-z0-9_:-]{1,200}")
_EXAMPLE_ID = re.compile(r"(gen|tsk|img)_01k6x0v7w3h2m9q4x1b8c5d7ef", re.IGNORECASE)
_ADDRESSES = {
    "webhook_url",
    "callback_url",
    "image_url",
    "image_urls",
    "input_images",
    "input_image_url",
    "url",
}


def lead(case: Case, dialect: str, task_ids: dict[str, str], address: str) -> None:
    """Put real tasks for the documents' examples, `address` for any other, and fresh idempotency keys.

    `task_ids` are by the prefix of the dialect's ids.
    """
    task_id = case.path_parameters.get("task_id")
    if case.path.startswith("/v1/tasks/{") and dialect == "eggapi" and isinstance(task_id, str):
        # An id with another beginning is another dialect's, and answered in its form.
        task_id = case.path_parameters["task_id"] = f"gen_{task_id.removeprefix('gen_')}"
    example = _EXAMPLE_ID.fullmatch(task_id) if isinstance(task_id, str) else None
    if example is not None:
        case.path_parameters["task_id"] = task_ids[example[1]]
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and _KEY.fullmatch(key):
        # Otherwise the shortest key would be used again and again with other bodies.
        case.headers["Idempotency-Key"] = f"{key}{next(_numbers)}"
    case.body = _with_address(case.body, address)


def _with_address(part: Any, address: str, name: str = "") -> Any:
    """Nothing here may call a stranger."""
    if isinstance(part, dict):
        return {key: _with_address(value, address, key) for key, value in part.items()}
    if isinstance(part, list):
        return [_with_address(value, address, name) for value in part]
    return address if name in _ADDRESSES and isinstance(part, str) and len(part) > 1 else part
