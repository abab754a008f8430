from __future__ import annotations

from typing import Any

import pytest

from shared.providers.base import EmbeddingDone, EmbeddingRequest, Failed
from shared.providers.errors import ErrorClass
from tests.unit.providers.gemini_upstream import google


def vectors(count: int) -> tuple[int, dict[str, Any]]:
    return 200, {"embeddings": [{"values": [0.5, 1]} for _ in range(count)]}


async def test_texts_are_embedded_in_one_batch_and_no_usage_is_made_up() -> None:
    request = EmbeddingRequest(
        "gemini-embedding-2", ("a", "b"), dimensions=768, task_type="RETRIEVAL_DOCUMENT", title="Hens"
    )
    async with google(vectors(2)) as (server, provider):
        assert await provider.embed(request) == EmbeddingDone(((0.5, 1.0), (0.5, 1.0)), None)
        assert server.paths == ["/v1beta/models/gemini-embedding-2:batchEmbedContents"]
        assert server.bodies[0]["requests"][0] == {
            "model": "models/gemini-embedding-2",
            "content": {"parts": [{"text": "a"}]},
            "taskType": "RETRIEVAL_DOCUMENT",
            "title": "Hens",
            "outputDimensionality": 768,
        }


async def test_a_title_goes_with_documents_only() -> None:
    request = EmbeddingRequest("m", ("a",), task_type="RETRIEVAL_QUERY", title="Hens")
    async with google(vectors(1)) as (server, provider):
        await provider.embed(request)
        assert "title" not in server.bodies[0]["requests"][0]


async def test_more_than_a_hundred_texts_are_several_batches_in_order() -> None:
    def own_number(body: Any) -> tuple[int, Any]:
        texts = [item["content"]["parts"][0]["text"] for item in body["requests"]]
        return 200, {"embeddings": [{"values": [int(text)]} for text in texts]}

    async with google(own_number) as (server, provider):
        done = await provider.embed(EmbeddingRequest("m", tuple(map(str, range(101)))))
        assert done == EmbeddingDone(tuple((float(number),) for number in range(101)), None)
        assert sorted(len(body["requests"]) for body in server.bodies) == [1, 100]


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        (vectors(1), ErrorClass.TRANSIENT),
        ((200, {"embeddings": [{"values": [0.5]}, {"values": ["x"]}]}), ErrorClass.TRANSIENT),
        ((200, b"<html>"), ErrorClass.TRANSIENT),
        ((404, [{"error": {"code": 404, "status": "NOT_FOUND", "message": "gone"}}]), ErrorClass.MODEL_GONE),
    ],
)
async def test_all_vectors_come_or_it_is_a_failure(answer: tuple[int, Any], error_class: ErrorClass) -> None:
    async with google(answer) as (_, provider):
        failed = await provider.embed(EmbeddingRequest("m", ("a", "b")))
        assert isinstance(failed, Failed)
        assert failed.error_class is error_class
