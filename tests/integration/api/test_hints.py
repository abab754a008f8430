"""Providers' callbacks: genuine ones ring at the workers, and nothing of them is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.api.callbacks import callback_verifiers
from services.api.hints import MOST_CALLBACK_BYTES, Hints, hint_endpoints
from shared.bus.events import EventType
from shared.bus.listener import Listener
from shared.bus.publisher import Publisher
from shared.http import provider_session
from shared.ids import Prefix, new_id
from shared.mongo import Database
from shared.settings import BadSettings, ProviderSettings, S3Settings, Settings
from tests.integration.api.asking import client_of
from tests.integration.broker import Vhost
from tests.integration.conftest import Eventually, Start
from tests.unit.building import NOON, StillClock
from tests.unit.http.serving import serving

FAL_KEY = Ed25519PrivateKey.generate()
REPLICATE_KEY = b"a key of twenty-four byte"
KIE_KEY = "a webhook key"
AT = str(int(NOON.timestamp()))
TASK = "gen_01k6x0v7w3h2m9q4x1b8c5d7ef"
HINTS_URL = "https://hatchery.example.org"


def settings(jwks_url: str = "http://127.0.0.1:1/", **fields: Any) -> Settings:
    key = [SecretStr("key")]
    secret = base64.b64encode(REPLICATE_KEY).decode()
    facts: dict[str, Any] = {
        "s3": S3Settings(access_key=SecretStr("a"), secret_key=SecretStr("b")),
        "key_pepper": SecretStr("pepper"),
        "secrets_key": SecretStr("secret"),
        "hints_url": HINTS_URL,
        "providers": {
            "fal": ProviderSettings(keys=key, callback_keys_url=jwks_url),
            "replicate": ProviderSettings(keys=key, webhook_secret=SecretStr(f"whsec_{secret}")),
            "kie": ProviderSettings(keys=key, webhook_secret=SecretStr(KIE_KEY)),
            "gemini": ProviderSettings(keys=key),
        },
    }
    return Settings(**{**facts, **fields})


class Seconds:
    """Passes only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def jwks_url() -> AsyncIterator[str]:
    """Where fal's public key is served."""
    x = base64.urlsafe_b64encode(FAL_KEY.public_key().public_bytes_raw()).decode()
    document = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(document)

    async with serving(answer) as port:
        yield f"http://127.0.0.1:{port}/jwks.json"


@pytest.fixture
async def heard(vhost: Vhost, running: Start, eventually: Eventually) -> list[str]:
    """The tasks of the hints that a worker has heard."""
    hints: list[str] = []
    probes: list[str] = []

    def hear(subjects: Sequence[str]) -> None:
        for subject in subjects:
            (probes if subject == "probe" else hints).append(subject)

    listener = Listener(vhost.url, "worker", [EventType.ATTEMPT_HINTED], hear)
    running(listener.run())
    publisher = Publisher(vhost.url, "probe")
    running(publisher.run())
    assert await publisher.wait_connected(30)

    async def listening() -> bool:
        await Hints(publisher).tell("probe")
        return bool(probes)

    await eventually(listening)
    return hints


@pytest.fixture
async def api(
    vhost: Vhost, running: Start, jwks_url: str, seconds: Seconds, clock: StillClock
) -> AsyncIterator[httpx.AsyncClient]:
    publisher = Publisher(vhost.url, "api")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    async with provider_session() as session:
        verifiers = callback_verifiers(settings(jwks_url), session)
        async with client_of(hint_endpoints(verifiers, Hints(publisher, seconds), clock)) as client:
            yield client


def fal(body: bytes) -> dict[str, str]:
    lines = ("req_1", "usr_1", AT, hashlib.sha256(body).hexdigest())
    return {
        "X-Fal-Webhook-Request-Id": "req_1",
        "X-Fal-Webhook-User-Id": "usr_1",
        "X-Fal-Webhook-Timestamp": AT,
        "X-Fal-Webhook-Signature": FAL_KEY.sign("\n".join(lines).encode()).hex(),
    }


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.digest(key, text, "sha256")).decode()


def replicate(body: bytes) -> dict[str, str]:
    signature = _hmac(REPLICATE_KEY, f"msg_1.{AT}.".encode() + body)
    return {"webhook-id": "msg_1", "webhook-timestamp": AT, "webhook-signature": f"v1,{signature}"}


def kie(body: bytes) -> dict[str, str]:
    signature = _hmac(KIE_KEY.encode(), f"job_1.{AT}".encode())
    return {"X-Webhook-Timestamp": AT, "X-Webhook-Signature": signature}


GENUINE = [
    ("fal", fal, {"request_id": "req_1", "status": "OK", "payload": {"secret": "hen"}}),
    ("replicate", replicate, {"id": "job_1", "status": "succeeded", "logs": "secret hen"}),
    ("kie", kie, {"code": 200, "data": {"taskId": "job_1", "param": "secret hen"}}),
]


@pytest.mark.parametrize(("provider", "sign", "content"), GENUINE)
async def test_a_genuine_callback_rings_at_the_workers(
    api: httpx.AsyncClient,
    heard: list[str],
    database: Database,
    eventually: Eventually,
    provider: str,
    sign: Any,
    content: dict[str, Any],
) -> None:
    body = orjson.dumps(content)
    with capture_logs() as logs:
        answer = await api.post(f"/callbacks/{provider}/{TASK}", content=body, headers=sign(body))

    assert (answer.status_code, answer.content) == (204, b"")
    await eventually(lambda: heard == [TASK])
    assert "hen" not in str(logs)
    assert [name for name in await database.list_collection_names() if await database[name].find_one()] == []


@pytest.mark.parametrize(("provider", "sign", "content"), GENUINE)
async def test_what_is_not_genuine_is_refused_and_rings_nowhere(
    api: httpx.AsyncClient, heard: list[str], provider: str, sign: Any, content: dict[str, Any]
) -> None:
    body = orjson.dumps(content)
    forged = {
        name: value[:8] + "0000" + value[12:] if "signature" in name.lower() else value
        for name, value in sign(body).items()
    }
    path = f"/callbacks/{provider}/{TASK}"
    with capture_logs() as logs:
        answers = [
            await api.post(path, content=body),
            await api.post(path, content=body, headers=forged),
            await api.post(path, content=b"", headers=sign(b"")),
        ]

    # fal signs an empty body too, which names no job.
    assert [answer.status_code for answer in answers] == [401] * 3
    assert {answer.text for answer in answers} == {'{"error":"unauthorized"}'}
    assert "hen" not in str(logs)
    assert heard == []


async def test_a_task_is_hinted_at_once_a_second(
    api: httpx.AsyncClient, heard: list[str], seconds: Seconds, eventually: Eventually
) -> None:
    body = orjson.dumps({"id": "job_1"})
    other = new_id(Prefix.EGGAPI_TASK)

    async def called_back(task_id: str) -> None:
        answer = await api.post(f"/callbacks/replicate/{task_id}", content=body, headers=replicate(body))
        assert answer.status_code == 204

    for task_id in (TASK, TASK, other, TASK):
        await called_back(task_id)
    await eventually(lambda: len(heard) >= 2)
    seconds.now += 1
    await called_back(TASK)
    await eventually(lambda: len(heard) >= 3)

    assert heard == [TASK, other, TASK]


@pytest.mark.parametrize(
    "path",
    [
        f"/callbacks/openai/{TASK}",
        f"/callbacks/gemini/{TASK}",
        "/callbacks/replicate/gen_1",
        "/callbacks/replicate/gen_1%00",
        f"/callbacks/Replicate/{TASK}",
    ],
)
async def test_there_is_nothing_at_other_addresses(api: httpx.AsyncClient, path: str) -> None:
    body = orjson.dumps({"id": "job_1"})
    answer = await api.post(path, content=body, headers=replicate(body))

    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


async def chunks(size: int, sent: list[int]) -> AsyncIterator[bytes]:
    """So many bytes, noted as they are asked for."""
    for _ in range(0, size, 65_536):
        sent.append(65_536)
        yield b"x" * 65_536


async def test_a_large_callback_is_taken_and_one_without_end_is_not(api: httpx.AsyncClient) -> None:
    large = orjson.dumps({"id": "job_1", "logs": "x" * 5_500_000})
    taken = await api.post(f"/callbacks/replicate/{TASK}", content=large, headers=replicate(large))
    sent: list[int] = []
    endless = chunks(10 * MOST_CALLBACK_BYTES, sent)
    refused = await api.post(f"/callbacks/replicate/{TASK}", content=endless)

    assert taken.status_code == 204
    assert (refused.status_code, refused.json()) == (413, {"error": "body_too_large"})
    assert sum(sent) <= MOST_CALLBACK_BYTES + 65_536


async def test_without_a_broker_a_genuine_callback_is_taken_all_the_same(clock: StillClock) -> None:
    publisher = Publisher("amqp://127.0.0.1:1/", "test")
    body = orjson.dumps({"id": "job_1"})
    async with provider_session() as session:
        verifiers = callback_verifiers(settings(), session)
        async with client_of(hint_endpoints(verifiers, Hints(publisher), clock)) as api:
            answer = await api.post(f"/callbacks/replicate/{TASK}", content=body, headers=replicate(body))

    assert answer.status_code == 204


async def test_who_does_not_ask_for_callbacks_verifies_none() -> None:
    async with provider_session() as session:
        assert callback_verifiers(settings(hints_url=None), session) == {}


async def test_a_provider_without_what_its_verification_needs_has_none() -> None:
    key = [SecretStr("key")]
    providers = {
        "replicate": ProviderSettings(),
        "kie": ProviderSettings(keys=key),
    }
    async with provider_session() as session:
        assert set(callback_verifiers(settings(providers=providers), session)) == {"fal"}


async def test_secrets_alone_verify_without_any_provider_key() -> None:
    providers = {
        "replicate": ProviderSettings(webhook_secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        "kie": ProviderSettings(webhook_secret=SecretStr("secret")),
    }
    async with provider_session() as session:
        found = callback_verifiers(settings(providers=providers), session)
    assert set(found) == {"fal", "replicate", "kie"}


async def test_a_secret_that_cannot_be_one_is_named() -> None:
    wrong = ProviderSettings(keys=[SecretStr("key")], webhook_secret=SecretStr("hidden"))
    async with provider_session() as session:
        with pytest.raises(BadSettings, match="HATCHERY_PROVIDERS__REPLICATE__WEBHOOK_SECRET") as caught:
            callback_verifiers(settings(providers={"replicate": wrong}), session)

    assert "hidden" not in caught.value.message
