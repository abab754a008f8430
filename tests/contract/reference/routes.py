"""The routes of the app by dialect."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

from fastapi import FastAPI

from services.api.dialects.paths import dialect_of

_TASK_IDS = ("gen_01k6x0v7w3h2m9q4x1b8c5d7ef", "tsk_01k6x0v7w3h2m9q4x1b8c5d7ef")
"""Under some paths the id of a task decides whose the address is."""


def served(app: FastAPI, dialect: str) -> set[tuple[str, str]]:
    """Method and path of all that customers may call in a dialect."""
    with warnings.catch_warnings():
        # The framework wants two names for GET and HEAD of one address.
        warnings.simplefilter("ignore", UserWarning)
        paths = app.openapi()["paths"]
    return {
        (method.upper(), re.sub(r"(gen|tsk)_\{[a-z_]+\}", "{task_id}", path))
        for path, methods in paths.items()
        for method in methods
        if dialect in {dialect_of(one) for one in _with_ids(path)}
    }


def _with_ids(path: str) -> Iterable[str]:
    return (re.sub(r"\{[a-z_]+\}", task_id, path) for task_id in _TASK_IDS)
