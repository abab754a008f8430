"""Chats, streams and embeddings that fail: sorted alike, and never ambiguous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shared.providers.base import ChatDelta, ChatEnd, Failed
from shared.providers.errors import ErrorClass
from tests.contract.providers.embedders import EMBEDDERS, Embedder
from tests.contract.providers.simulator import KEY, SHORT, Simulator, adapter_at
from tests.contract.providers.strangers import Stranger, listening
from tests.contract.providers.writers import WRITERS, Writer, each, events_of

FAULTS: Mapping[str, tuple[dict[str, Any], ErrorClass]] = {
    "server_error": ({"fault": "http_500"}, ErrorClass.TRANSIENT),
    "unavailable": ({"fault": "http_500", "status": 503}, ErrorClass.TRANSIENT),
    "rate_limit": ({"fault": "http_429"}, ErrorClass.RATE_LIMIT),
    "quota": ({"fault": "quota"}, ErrorClass.QUOTA),
    "credential": ({"fault": "credential"}, ErrorClass.CREDENTIAL),
    "model_gone": ({"fault": "model_gone"}, ErrorClass.MODEL_GONE),
    "caller_fault": ({"fault": "caller_fault"}, ErrorClass.CALLER_FAULT),
    "too_long": ({"fault": "context_length"}, ErrorClass.CALLER_FAULT),
    "work_fails": ({"fault": "job_fails"}, ErrorClass.TRANSIENT),
    "time_out": ({"fault": "timeout"}, ErrorClass.TRANSIENT),
    "reset": ({"fault": "reset"}, ErrorClass.TRANSIENT),
    "half_an_answer": ({"fault": "bad_json"}, ErrorClass.TRANSIENT),
}
"""Nothing runs on without the connection, so what gets lost is transient."""

REFUSED = ({"fault": "refusal"}, ErrorClass.POLICY_REFUSAL)
each_fault = pytest.mark.parametrize("fault", [*FAULTS, "refusal"])
each_embedder = pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda embedder: embedder.provider)


def check(failed: object, expected: ErrorClass, sim: Simulator) -> None:
    assert isinstance(failed, Failed), failed
    assert failed.error_class is expected
    assert failed.message
    assert not any(secret in failed.message for secret in (KEY, sim.url, "http", "127.0.0.1", "<"))


@each
@each_fault
async def test_a_chat_that_goes_wrong_is_sorted(sim: Simulator, writer: Writer, fault: str) -> None:
    then, expected = FAULTS.get(fault, REFUSED)
    await sim.rule(writer.provider, **then)
    check(await sim.text(writer.provider, SHORT).chat(writer.request()), expected, sim)


@each
@each_fault
async def test_a_stream_that_does_not_begin_is_sorted_alike(
    sim: Simulator, writer: Writer, fault: str
) -> None:
    then, expected = FAULTS.get(fault, REFUSED)
    await sim.rule(writer.provider, **then)
    (failed,) = await events_of(sim.text(writer.provider, SHORT), writer.request())
    check(failed, expected, sim)


@each_embedder
@pytest.mark.parametrize("fault", FAULTS)
async def test_embeddings_that_go_wrong_are_sorted_alike(
    sim: Simulator, embedder: Embedder, fault: str
) -> None:
    then, expected = FAULTS[fault]
    await sim.rule(embedder.provider, **then)
    check(await sim.embeddings(embedder.provider, SHORT).embed(embedder.request("a hen")), expected, sim)


@each
@pytest.mark.parametrize("status", [200, 502])
async def test_a_page_in_place_of_an_answer_is_a_failure(sim: Simulator, writer: Writer, status: int) -> None:
    async with listening(Stranger(status=status)) as stranger:
        provider: Any = adapter_at(sim.session, writer.provider, f"http://{stranger.host}")
        check(await provider.chat(writer.request()), ErrorClass.TRANSIENT, sim)
        (failed,) = await events_of(provider, writer.request())
    check(failed, ErrorClass.TRANSIENT, sim)


@each
@pytest.mark.parametrize("fault", ["cut_stream", "stall", "malformed_chunk", "missing_end", "error_in_200"])
@pytest.mark.parametrize("pieces", [1, 4])
async def test_a_stream_that_breaks_ends_with_a_failure(
    sim: Simulator, writer: Writer, fault: str, pieces: int
) -> None:
    await sim.rule(writer.provider, fault=fault, count=pieces)
    events = await events_of(sim.text(writer.provider, SHORT), writer.request())
    told = [event for event in events if isinstance(event, ChatDelta) and event.delta.get("content")]
    assert len(told) == pieces if fault != "missing_end" else len(told) > pieces
    check(events[-1], ErrorClass.TRANSIENT, sim)


@each
async def test_a_stream_that_is_silent_at_first_is_given_up(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, fault="slow_first_token", delay_ms=5000)
    events = await events_of(sim.text(writer.provider, SHORT), writer.request())
    check(events[-1], ErrorClass.TRANSIENT, sim)
    assert not any(isinstance(event, ChatDelta) and event.delta.get("content") for event in events)


@each
async def test_a_stream_that_nobody_reads_on_ends_at_the_provider(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, timing={"chunk_delay_ms": 50})
    stream: Any = sim.text(writer.provider).stream(writer.request())
    assert isinstance(await anext(stream), ChatDelta)
    await stream.aclose()
    await sim.settled(writer.provider)
    assert [job["state"] for job in await sim.jobs(writer.provider)] == ["cancelled"]


@pytest.mark.parametrize("kind", ["chat", "embed"])
async def test_openrouter_tells_errors_under_200_too(sim: Simulator, kind: str) -> None:
    await sim.rule("openrouter", fault="error_in_200")
    writer = next(writer for writer in WRITERS if writer.provider == "openrouter")
    embedder = next(embedder for embedder in EMBEDDERS if embedder.provider == "openrouter")
    if kind == "chat":
        check(await sim.text("openrouter").chat(writer.request()), ErrorClass.TRANSIENT, sim)
    else:
        check(await sim.embeddings("openrouter").embed(embedder.request("hen")), ErrorClass.TRANSIENT, sim)


@each
async def test_a_rate_limit_tells_the_delay_in_chats_too(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, fault="http_429", retry_after=11)
    provider = sim.text(writer.provider)
    for failed in (await provider.chat(writer.request()), (await events_of(provider, writer.request()))[0]):
        assert isinstance(failed, Failed)
        assert failed.retry_after is not None
        assert failed.retry_after.total_seconds() == 11


@each
async def test_a_stream_works_again_when_the_fault_is_over(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, times=1, fault="cut_stream")
    provider = sim.text(writer.provider)
    assert isinstance((await events_of(provider, writer.request()))[-1], Failed)
    assert isinstance((await events_of(provider, writer.request()))[-1], ChatEnd)
