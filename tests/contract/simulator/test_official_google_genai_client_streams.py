from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from google.genai import errors, types

from tests.contract.simulator.callers import jobs, put_rules, set_fault
from tests.contract.simulator.genai_caller import Client, genai_client

_TEXT = "gemini-2.5-flash"


@pytest.fixture
async def client(sim: httpx.AsyncClient) -> AsyncIterator[Client]:
    async with genai_client(sim) as made:
        yield made


async def _read(client: Client, into: list[types.GenerateContentResponse], **values: Any) -> None:
    sent: dict[str, Any] = {"model": _TEXT, "contents": "a hen", **values}
    async for chunk in await client.models.generate_content_stream(**sent):
        into.append(chunk)  # noqa: PERF401 - what comes before an error counts


def _finish(chunk: types.GenerateContentResponse) -> types.FinishReason | None:
    [candidate] = chunk.candidates or []
    return candidate.finish_reason


async def test_a_stream_brings_the_whole_answer_in_pieces(sim: httpx.AsyncClient, client: Client) -> None:
    chunks: list[types.GenerateContentResponse] = []
    await _read(client, chunks)
    whole = await client.models.generate_content(model=_TEXT, contents="a hen")
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) == 11
    assert [_finish(chunk) for chunk in chunks[-2:]] == [None, types.FinishReason.STOP]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert usage.candidates_token_count == 40
    assert [job["state"] for job in await jobs(sim)] == ["succeeded", "succeeded"]


async def test_a_stream_brings_a_picture(client: Client) -> None:
    chunks: list[types.GenerateContentResponse] = []
    await _read(client, chunks, model="gemini-3-pro-image")
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        for part in (candidate.content.parts if candidate.content else None) or []
    ]
    [data] = [part.inline_data.data for part in parts if part.inline_data is not None]
    assert (data or b"").startswith(b"\x89PNG")


async def test_a_blocked_prompt_is_told_in_the_stream(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "refusal")
    chunks: list[types.GenerateContentResponse] = []
    await _read(client, chunks)
    [chunk] = chunks
    assert chunk.prompt_feedback is not None
    assert chunk.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


async def test_a_stream_can_bring_an_error(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "error_in_200", count=2)
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(errors.ServerError) as caught:
        await _read(client, chunks)
    assert (caught.value.code, caught.value.status, len(chunks)) == (503, "UNAVAILABLE", 2)


async def test_a_stream_can_be_cut(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "cut_stream", count=2)
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(httpx.ReadError):
        await _read(client, chunks)
    assert len(chunks) == 2
    assert [job["state"] for job in await jobs(sim)] == ["failed"]


async def test_a_stream_can_hold_half_an_event(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "malformed_chunk", count=2)
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(errors.UnknownApiResponseError):
        await _read(client, chunks)
    assert len(chunks) == 2


async def test_a_stream_can_end_without_an_end(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "missing_end")
    chunks: list[types.GenerateContentResponse] = []
    await _read(client, chunks)
    assert [_finish(chunk) for chunk in chunks] == [None] * 10


async def test_a_caller_who_goes_away_cancels_the_job(sim: httpx.AsyncClient, client: Client) -> None:
    await put_rules(sim, {"chunk_delay_ms": 100})
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_read(client, chunks), 0.4)
    assert chunks
    for _ in range(100):
        [job] = await jobs(sim)
        if job["state"] != "running":
            break
        await asyncio.sleep(0.02)
    assert (job["state"], job["cancelled"]) == ("cancelled", True)
