"""Asking for a job while things go wrong, and stopping it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.providers.base import Done, Failed, ProviderJob, Running
from shared.providers.errors import ErrorClass
from tests.contract.providers.makers import ANSWERS_AT_ONCE, MAKERS, Maker, each
from tests.contract.providers.simulator import SHORT, Simulator, accept, finish, made, media_at
from tests.contract.providers.strangers import HTML, Stranger, listening

_CANNOT_CANCEL = {"kie": "has no call to cancel with"} | ANSWERS_AT_ONCE
_CAN_CANCEL = {maker.name: "can cancel" for maker in MAKERS if maker.name not in _CANNOT_CANCEL}
_HAS_JOBS = {maker.name: "answers with jobs" for maker in MAKERS if maker.jobs}


@each(but=ANSWERS_AT_ONCE)
@pytest.mark.parametrize(
    "then",
    [{"fault": "poll_500"}, {"fault": "unknown_status"}, {"fault": "bad_json", "at": "poll"}],
    ids=lambda then: then["fault"],
)
async def test_trouble_while_polling_does_not_lose_the_job(
    sim: Simulator, maker: Maker, then: dict[str, Any]
) -> None:
    await sim.rule(maker.provider, count=3, **then)
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    for _ in range(3):
        state = await provider.poll(job)
        assert isinstance(state, Running)
        assert state.note
    assert isinstance(await finish(provider, job), Done)


@each(but=ANSWERS_AT_ONCE)
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, HTML), (502, HTML), (429, b"{}"), (401, b"{}"), (404, b""), (200, b"null"), (200, b"[1]")],
    ids=["page", "bad-gateway", "rate-limit", "unauthorized", "not-found", "null", "list"],
)
async def test_an_answer_that_says_nothing_of_the_job_keeps_it(
    sim: Simulator, maker: Maker, status: int, body: bytes
) -> None:
    await sim.rule(maker.provider, fault="never_finishes")
    job = await accept(sim.media(maker.provider), maker.request())
    async with listening(Stranger(body, status=status)) as stranger:
        here = f"http://{stranger.host}"
        moved = ProviderJob(job.ids, {name: url.replace(sim.url, here) for name, url in job.urls.items()})
        state = await media_at(sim.session, maker.provider, here).poll(moved)
    assert len(stranger.calls) == 1
    assert isinstance(state, Running)
    assert state.note
    assert "<" not in state.note


@each(but=ANSWERS_AT_ONCE)
async def test_a_provider_that_is_away_while_polling_does_not_lose_the_job(
    sim: Simulator, maker: Maker, unused_tcp_port: int
) -> None:
    job = await accept(sim.media(maker.provider), maker.request())
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    away = media_at(sim.session, maker.provider, nowhere, SHORT)
    moved = ProviderJob(job.ids, {name: url.replace(sim.url, nowhere) for name, url in job.urls.items()})
    assert isinstance(await away.poll(moved), Running)


@each()
@pytest.mark.parametrize("status", [200, 201])
async def test_a_page_in_place_of_an_answer_leaves_a_submission_open(
    sim: Simulator, maker: Maker, status: int
) -> None:
    async with listening(Stranger(status=status)) as stranger:
        provider = media_at(sim.session, maker.provider, f"http://{stranger.host}")
        failed = await provider.submit(maker.request())
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.SUBMIT_AMBIGUOUS
    assert "<" not in failed.message


@each(but=ANSWERS_AT_ONCE)
async def test_a_job_that_never_finishes_runs_on(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="never_finishes")
    provider = sim.media(maker.provider)
    assert isinstance(await finish(provider, await accept(provider, maker.request()), polls=6), Running)


@each(but=_CANNOT_CANCEL)
async def test_a_cancelled_job_ends_as_cancelled(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="never_finishes")
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request(num_outputs=2))
    assert isinstance(await provider.poll(job), Running)
    await provider.cancel(job)
    result = await finish(provider, job)
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.CANCELLED
    assert all(row["cancelled"] for row in await sim.jobs(maker.provider))


@each(but=ANSWERS_AT_ONCE)
async def test_cancelling_a_job_that_is_over_changes_nothing(sim: Simulator, maker: Maker) -> None:
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    assert isinstance(await finish(provider, job), Done)
    await provider.cancel(job)
    assert isinstance(await provider.poll(job), Done)


@each(but=_CANNOT_CANCEL)
async def test_a_cancel_that_comes_too_late_leaves_the_result(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, timing={"polls": 3}, fault="late")
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    await provider.cancel(job)
    assert isinstance(await finish(provider, job), Done)


@each(
    but={maker.name: "can cancel" for maker in MAKERS if maker.name not in _CANNOT_CANCEL} | ANSWERS_AT_ONCE
)
async def test_where_nothing_can_be_cancelled_the_job_goes_on(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, timing={"polls": 2})
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    await provider.cancel(job)
    assert isinstance(await finish(provider, job), Done)


@each(but=_HAS_JOBS)
async def test_a_job_of_a_provider_without_jobs_is_a_failure_and_no_cancel_raises(
    sim: Simulator, maker: Maker
) -> None:
    provider = sim.media(maker.provider)
    await provider.cancel(ProviderJob(("anything",)))
    assert isinstance(await provider.poll(ProviderJob(("anything",))), Failed)
    assert await sim.jobs(maker.provider) == []


@each(but=ANSWERS_AT_ONCE | {"kie": "names no addresses to poll at"})
async def test_an_address_on_another_host_is_never_called(sim: Simulator, maker: Maker) -> None:
    async with listening(Stranger()) as stranger:
        await sim.rule(maker.provider, fault="foreign_url", host=stranger.host)
        provider = sim.media(maker.provider)
        job = await accept(provider, maker.request())
        assert isinstance(await finish(provider, job), Done)
        await provider.cancel(job)
    assert stranger.calls == []
    assert not any(stranger.host in url for url in job.urls.values())


@each(but=ANSWERS_AT_ONCE)
async def test_another_process_can_go_on_with_a_job(sim: Simulator, maker: Maker) -> None:
    job = await accept(sim.media(maker.provider), maker.request(num_outputs=2))
    written = orjson.loads(orjson.dumps({"ids": job.ids, "urls": dict(job.urls)}))
    restored = ProviderJob(tuple(written["ids"]), written["urls"])
    done = await finish(sim.media(maker.provider), restored)
    assert isinstance(done, Done)
    assert len(done.outputs) == 2


@each()
async def test_two_requests_do_not_get_in_each_others_way(sim: Simulator, maker: Maker) -> None:
    provider = sim.media(maker.provider)
    hen = await made(provider, maker.request("a hen"))
    fox = await made(provider, maker.request("a fox"))
    assert hen.outputs != fox.outputs
