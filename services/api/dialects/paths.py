"""Which dialect owns an address, and so the shape of everything that is answered there. Pure."""

from __future__ import annotations

from typing import Final

EGGAPI: Final = "eggapi"
OPENAI: Final = "openai"
AIGENWAY: Final = "aigenway"

_EGGAPI_PATHS: Final = frozenset({"/v1/generate", "/v1/tasks", "/v1/usage", "/v1/usage/summary"})


def dialect_of(path: str) -> str:
    """By the path alone, before anything is looked up.

    `/api/v1` is the OpenAI-style platform's. Under `/v1`, EggAPI has its five addresses and the tasks whose
    ids begin with `gen_` (but for their `/result`, which it does not know), Aigenway all others. The rest is
    ours and speaks EggAPI's way.
    """
    if path == "/api" or path.startswith("/api/"):
        return OPENAI
    if not (path == "/v1" or path.startswith("/v1/")):
        return EGGAPI
    if path.rstrip("/") in _EGGAPI_PATHS:
        return EGGAPI
    if path.startswith("/v1/tasks/gen_") and not path.endswith("/result"):
        return EGGAPI
    return AIGENWAY
