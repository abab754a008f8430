"""Whatever goes wrong inside, clients read our own words and nothing of what happened."""

from __future__ import annotations

import importlib
import pkgutil
import re
import struct
from collections.abc import Iterator, MutableMapping
from typing import Any

import aiohttp
import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from pymongo.errors import AutoReconnect, DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError
from structlog.testing import capture_logs

import services.api
import shared
from shared.errors import HatcheryError
from tests.integration.api.asking import client_of

SECRET = "sk_live_abcdefgh_topsecret mongodb://hatchery:pass@mongo:27017 /srv/app/x.py 10.0.0.7 rm -rf"
PATHS = ("/v1/generate", "/v1/elsewhere", "/api/v1/elsewhere", "/elsewhere")
TOLD = re.compile(
    r"topsecret|mongo|pass@|/srv|10\.0\.0\.7|Traceback|File \"|\.py\b|Error\(|line \d+|0x[0-9a-f]{6}"
)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What operators read; rendering every trace would take minutes."""
    with capture_logs() as lines:
        yield lines


def _bad_model() -> ValidationError:
    try:
        TypeAdapter(int).validate_python(SECRET)
    except ValidationError as error:
        return error
    raise AssertionError("it was accepted")


STRANGE: list[BaseException] = [
    *(kind(SECRET) for kind in (ValueError, KeyError, RuntimeError, OSError, TypeError, AttributeError)),
    *(kind(SECRET) for kind in (IndexError, MemoryError, RecursionError, NotImplementedError, TimeoutError)),
    *(kind(SECRET) for kind in (AssertionError, ArithmeticError, LookupError, EOFError, struct.error)),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ServerSelectionTimeoutError(SECRET),
    AutoReconnect(SECRET),
    OperationFailure(SECRET, 11600),
    OperationFailure(SECRET, 13),
    DuplicateKeyError(SECRET),
    aiohttp.ClientConnectionError(SECRET),
    aiohttp.ClientPayloadError(SECRET),
    ClientError({"Error": {"Code": "AccessDenied", "Message": SECRET}}, "GetObject"),
    EndpointConnectionError(endpoint_url=SECRET),
    _bad_model(),
]


def _modules() -> Iterator[str]:
    for package in (shared, services.api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield module.name


def _own_errors() -> list[type[HatcheryError]]:
    """Every error class of the api and of what all share, found by looking."""
    for name in _modules():
        importlib.import_module(name)
    found, left = [], [HatcheryError]
    while left:
        kind = left.pop()
        if kind.__module__.startswith(("shared.", "services.api")):
            found.append(kind)
            left += kind.__subclasses__()
    return found


def _failing(error: BaseException) -> APIRouter:
    router = APIRouter()

    @router.get("/{path:path}")
    async def fail(path: str) -> None:
        raise error

    return router


@pytest.mark.parametrize("error", STRANGE, ids=lambda error: type(error).__name__)
async def test_a_strange_error_tells_nothing_of_itself(
    error: BaseException, logged: list[MutableMapping[str, Any]]
) -> None:
    async with client_of(_failing(error)) as client:
        for path in PATHS:
            answer = await client.get(path, headers={"X-Request-Id": "of-this-request"})
            assert answer.status_code in {500, 503}, answer.text
            assert not TOLD.search(answer.text), answer.text
            assert not TOLD.search(str(answer.headers)), answer.headers
            assert answer.headers["x-request-id"] == "of-this-request"
            assert answer.json()["error"]["message"]
    assert len([line for line in logged if line["log_level"] in {"warning", "error"}]) == len(PATHS)


async def test_every_error_of_our_own_has_a_status_a_code_and_a_sentence_in_every_dialect() -> None:
    kinds = _own_errors()
    assert len(kinds) > 30
    for kind in kinds:
        error = _made(kind)
        async with client_of(_failing(error)) as client:
            for path in PATHS:
                answer = await client.get(path)
                message = answer.json()["error"]["message"]
                assert 400 <= answer.status_code < 600, kind
                assert message, kind
                assert not TOLD.search(answer.text), (kind, answer.text)


async def test_an_error_that_means_our_own_mistake_keeps_its_words_to_itself() -> None:
    for kind in _own_errors():
        if kind.status == 500:
            error = _made(kind)
            error.args = (SECRET,)
            async with client_of(_failing(error)) as client:
                for path in PATHS:
                    assert not TOLD.search((await client.get(path)).text), kind


def _made(kind: type[HatcheryError]) -> HatcheryError:
    """As its module would raise it, with its own sentence."""
    error = kind.__new__(kind)
    HatcheryError.__init__(error)
    return error


async def test_a_key_is_never_repeated() -> None:
    async with client_of(_failing(ValueError(SECRET))) as client:
        answer = await client.get("/v1/x", headers={"Authorization": f"Bearer {SECRET}"})
    assert isinstance(answer, httpx.Response)
    assert "topsecret" not in answer.text + str(answer.headers)
