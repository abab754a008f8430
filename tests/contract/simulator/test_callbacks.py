from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from tests.contract.simulator.callers import Fal, Replicate, jobs, put_rules
from tests.contract.simulator.kie_caller import Kie

_NAME = "callback"


@dataclass(frozen=True)
class Post:
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Hook:
    """An address to call back, and what came there."""

    def __init__(self, sim: httpx.AsyncClient) -> None:
        self._sim = sim
        self.url = f"{sim.base_url}/_sim/sink/{_NAME}"

    async def posts(self) -> list[Post]:
        rows = (await self._sim.get(self.url)).json()["posts"]
        return [
            Post({k.lower(): v for k, v in row["headers"].items()}, base64.b64decode(row["body_base64"]))
            for row in rows
        ]

    async def wait(self, count: int) -> list[Post]:
        """The posts once `count` are there; fails when there are more."""
        for _ in range(500):
            found = await self.posts()
            if len(found) >= count:
                assert len(found) == count
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{count} callbacks do not come")


@pytest.fixture
async def hook(sim: httpx.AsyncClient) -> Hook:
    made = Hook(sim)
    await sim.delete(made.url)
    return made


async def _fal(fal: Fal, url: str, model: str = "fal-ai/nano-banana", **values: Any) -> dict[str, Any]:
    response = await fal.sim.post(
        f"/fal/{model}", params={"fal_webhook": url}, json={"prompt": "a hen", **values}, headers=fal.headers
    )
    accepted: dict[str, Any] = response.json()
    return accepted


async def _replicate(replicate_api: Replicate, url: str, *events: str) -> dict[str, Any]:
    chosen = {"webhook_events_filter": list(events)} if events else {}
    response = await replicate_api.sim.post(
        "/replicate/v1/models/google/nano-banana/predictions",
        json={"input": {"prompt": "a hen"}, "webhook": url, **chosen},
        headers=replicate_api.headers,
    )
    created: dict[str, Any] = response.json()
    return created


async def _check_fal(sim: httpx.AsyncClient, post: Post) -> None:
    """Raises InvalidSignature unless one of the published keys has signed this post."""
    [key] = (await sim.get("/_sim/fal-jwks.json")).json()["keys"]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
    named = [post.headers[f"x-fal-webhook-{part}"] for part in ("request-id", "user-id", "timestamp")]
    signed = "\n".join([*named, hashlib.sha256(post.body).hexdigest()])
    public.verify(bytes.fromhex(post.headers["x-fal-webhook-signature"]), signed.encode())


async def _check_replicate(replicate_api: Replicate, post: Post) -> None:
    address = "/replicate/v1/webhooks/default/secret"
    assert (await replicate_api.sim.get(address)).status_code == 401
    key = (await replicate_api.sim.get(address, headers=replicate_api.headers)).json()["key"]
    Webhook(key).verify(post.body, post.headers)


async def _kie_matches(sim: httpx.AsyncClient, post: Post) -> bool:
    key = (await sim.get("/_sim/kie-webhook-key")).json()["key"]
    signed = f"{post.document['data']['taskId']}.{post.headers['x-webhook-timestamp']}"
    wanted = base64.b64encode(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()).decode()
    return post.headers["x-webhook-signature"] == wanted


async def test_fal_sends_the_result_signed(sim: httpx.AsyncClient, fal: Fal, hook: Hook) -> None:
    accepted = await _fal(fal, hook.url)
    [post] = await hook.wait(1)
    await _check_fal(sim, post)
    result = (await fal.get(accepted["response_url"])).json()
    assert post.document == {
        "request_id": accepted["request_id"],
        "gateway_request_id": accepted["request_id"],
        "status": "OK",
        "payload": result,
    }
    assert post.headers["content-type"] == "application/json"
    assert abs(int(post.headers["x-fal-webhook-timestamp"]) - time.time()) < 60


async def test_fal_sends_the_error_of_a_model(sim: httpx.AsyncClient, fal: Fal, hook: Hook) -> None:
    await put_rules(sim, {"then": {"fault": "refusal"}})
    await _fal(fal, hook.url)
    [post] = await hook.wait(1)
    await _check_fal(sim, post)
    assert (post.document["status"], post.document["error"]) == ("ERROR", "Invalid status code: 422")
    assert post.document["payload"]["detail"][0]["type"] == "content_policy_violation"


async def test_replicate_sends_the_prediction_at_every_turn(replicate_api: Replicate, hook: Hook) -> None:
    created = await _replicate(replicate_api, hook.url)
    posts = await hook.wait(3)
    for post in posts:
        await _check_replicate(replicate_api, post)
    assert [post.document["status"] for post in posts] == ["processing", "processing", "succeeded"]
    assert [post.document["output"] is None for post in posts] == [True, False, False]
    assert [post.document["completed_at"] is None for post in posts] == [True, True, False]
    assert posts[2].document == (await replicate_api.get(created["id"])).json()
    assert len({post.headers["webhook-id"] for post in posts}) == 3


@pytest.mark.parametrize(
    ("events", "statuses"),
    [
        (("completed",), ["succeeded"]),
        (("output", "completed"), ["processing", "succeeded"]),
        (("start", "logs"), ["processing"]),
    ],
)
async def test_replicate_sends_only_the_events_that_are_wanted(
    sim: httpx.AsyncClient,
    replicate_api: Replicate,
    hook: Hook,
    events: tuple[str, ...],
    statuses: list[str],
) -> None:
    await _replicate(replicate_api, hook.url, *events)
    assert [post.document["status"] for post in await hook.wait(len(statuses))] == statuses
    [job] = await jobs(sim)
    assert (job["state"], job["callbacks"]) == ("succeeded", len(statuses))


async def test_kie_sends_the_record_and_signs_its_id_and_time_only(
    sim: httpx.AsyncClient, kie: Kie, hook: Hook
) -> None:
    task_id = (await kie.create("nano-banana-pro", hook.url))["data"]["taskId"]
    [post] = await hook.wait(1)
    assert await _kie_matches(sim, post)
    data = post.document["data"]
    assert post.document["code"] == 200
    assert data.pop("remainedCredits") > 0
    assert data == await kie.record(task_id)
    assert (data["state"], data["consumeCredits"]) == ("success", 18)
    assert json.loads(data["param"])["callBackUrl"] == hook.url


async def test_kie_sends_a_failure_as_code_501(sim: httpx.AsyncClient, kie: Kie, hook: Hook) -> None:
    await put_rules(sim, {"then": {"fault": "job_fails"}})
    await kie.create(callback=hook.url)
    [post] = await hook.wait(1)
    assert await _kie_matches(sim, post)
    assert (post.document["code"], post.document["msg"]) == (501, "Playground task failed.")
    data = post.document["data"]
    assert (data["state"], data["failCode"], data["consumeCredits"]) == ("fail", "500", 0)


async def test_a_job_with_a_callback_ends_without_a_poll(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, kie: Kie, hook: Hook
) -> None:
    await put_rules(sim, {"latency_ms": 300, "polls": 5})
    await _fal(fal, hook.url)
    await _replicate(replicate_api, hook.url, "completed")
    await kie.create(callback=hook.url)
    await hook.wait(3)
    assert [(job["state"], job["polls"]) for job in await jobs(sim)] == [("succeeded", 0)] * 3


async def test_a_callback_is_sent_again_until_it_is_taken(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, hook: Hook
) -> None:
    await _fal(fal, f"{hook.url}?fail=2&status=503")
    first, _, last = await hook.wait(3)
    await _check_fal(sim, last)
    assert first.body == last.body
    await sim.delete(hook.url)
    await _replicate(replicate_api, f"{hook.url}?fail=-1", "completed")
    ids = {post.headers["webhook-id"] for post in await hook.wait(3)}
    assert len(ids) == 1
    assert [job["callbacks"] for job in await jobs(sim)] == [3, 3]


async def test_kie_does_not_send_again(sim: httpx.AsyncClient, kie: Kie, hook: Hook) -> None:
    await kie.create(callback=f"{hook.url}?fail=-1")
    await hook.wait(1)
    await asyncio.sleep(0.5)
    await hook.wait(1)


async def test_a_callback_does_not_follow_a_redirect(sim: httpx.AsyncClient, fal: Fal, hook: Hook) -> None:
    await put_rules(sim, {"times": 1, "then": {"fault": "output_redirect"}})
    [image] = (await fal.finish()).json()["images"]
    await _fal(fal, image["url"])
    await _until_sent(sim, 3)
    assert await hook.posts() == []


async def test_nobody_listening_is_tried_three_times(sim: httpx.AsyncClient, fal: Fal) -> None:
    await _fal(fal, "http://127.0.0.1:1/")
    await _until_sent(sim, 3)


async def _until_sent(sim: httpx.AsyncClient, count: int) -> None:
    for _ in range(500):
        if (await jobs(sim))[-1]["callbacks"] == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{count} callbacks are not sent")


async def test_a_forged_callback_does_not_verify(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, kie: Kie, hook: Hook
) -> None:
    await put_rules(sim, {"then": {"callback_forged": True}})
    await _fal(fal, hook.url)
    [post] = await hook.wait(1)
    with pytest.raises(InvalidSignature):
        await _check_fal(sim, post)
    await sim.delete(hook.url)
    await _replicate(replicate_api, hook.url, "completed")
    [post] = await hook.wait(1)
    with pytest.raises(WebhookVerificationError):
        await _check_replicate(replicate_api, post)
    await sim.delete(hook.url)
    await kie.create(callback=hook.url)
    [post] = await hook.wait(1)
    assert not await _kie_matches(sim, post)


async def test_a_rule_can_keep_callbacks_back(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, kie: Kie, hook: Hook
) -> None:
    await put_rules(sim, {"then": {"callback": False}})
    await _fal(fal, hook.url)
    await _replicate(replicate_api, hook.url)
    await kie.create(callback=hook.url)
    await asyncio.sleep(0.3)
    assert await hook.posts() == []
    assert [(job["state"], job["callbacks"]) for job in await jobs(sim)] == [("running", 0)] * 3


@pytest.mark.parametrize(
    "url", ["https://gateway.example/hook", "http://10.0.0.1/", "file:///etc/passwd", "x"]
)
async def test_no_other_machine_is_called(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, kie: Kie, url: str
) -> None:
    await _fal(fal, url)
    await _replicate(replicate_api, url)
    await kie.create(callback=url)
    await asyncio.sleep(0.2)
    assert [job["callbacks"] for job in await jobs(sim)] == [0, 0, 0]


async def test_a_cancelled_job_is_told_of_at_once(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, hook: Hook
) -> None:
    await put_rules(sim, {"then": {"fault": "never_finishes"}})
    accepted = await _fal(fal, hook.url)
    await fal.cancel(accepted["cancel_url"])
    [post] = await hook.wait(1)
    assert post.document["error"] == "Invalid status code: 499"
    await sim.delete(hook.url)
    created = await _replicate(replicate_api, hook.url, "completed")
    await replicate_api.cancel(created["id"])
    [post] = await hook.wait(1)
    assert (post.document["status"], post.document["output"]) == ("canceled", None)


async def test_a_passed_deadline_is_told_of(sim: httpx.AsyncClient, fal: Fal, hook: Hook) -> None:
    await put_rules(sim, {"latency_ms": 60_000})
    await fal.sim.post(
        "/fal/fal-ai/nano-banana",
        params={"fal_webhook": hook.url},
        json={"prompt": "a hen"},
        headers={**fal.headers, "X-Fal-Request-Timeout": "0.1"},
    )
    [post] = await hook.wait(1)
    assert post.document["payload"]["error_type"] == "request_timeout"


async def test_a_job_whose_input_images_are_slow_is_told_of(
    sim: httpx.AsyncClient, fal: Fal, hook: Hook
) -> None:
    await put_rules(sim, {"times": 1, "then": {"fault": "output_huge"}})
    [image] = (await fal.finish()).json()["images"]
    await _fal(fal, hook.url, "fal-ai/nano-banana/edit", image_urls=[image["url"]])
    [post] = await hook.wait(1)
    assert post.document["status"] == "OK"


async def test_forgotten_jobs_are_not_told_of(sim: httpx.AsyncClient, fal: Fal, hook: Hook) -> None:
    await put_rules(sim, {"latency_ms": 300})
    await _fal(fal, hook.url)
    await sim.delete("/_sim/jobs")
    await asyncio.sleep(0.6)
    assert await hook.posts() == []
