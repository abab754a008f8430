"""Texts turned into vectors."""

from __future__ import annotations

import pytest

from shared.providers.base import EmbeddingDone, EmbeddingProvider, EmbeddingRequest
from shared.providers.registry import ADAPTERS
from tests.contract.providers.embedders import EMBEDDERS, Embedder
from tests.contract.providers.simulator import Simulator, adapter_at

each = pytest.mark.parametrize("embedder", EMBEDDERS, ids=lambda embedder: embedder.provider)


def test_every_adapter_that_embeds_is_in_the_table(sim: Simulator) -> None:
    able = {
        name
        for name in ADAPTERS
        if isinstance(adapter_at(sim.session, name, "http://[::1]"), EmbeddingProvider)
    }
    assert {embedder.provider for embedder in EMBEDDERS} == able


async def embedded(sim: Simulator, embedder: Embedder, request: EmbeddingRequest) -> EmbeddingDone:
    done = await sim.embeddings(embedder.provider).embed(request)
    assert isinstance(done, EmbeddingDone), done
    return done


@each
async def test_every_text_has_its_vector_in_order(sim: Simulator, embedder: Embedder) -> None:
    done = await embedded(sim, embedder, embedder.request("a hen", "a fox", "a hen"))
    hen, fox, again = done.vectors
    assert hen == again != fox
    assert len(hen) == len(fox) == embedder.dimensions
    (alone,) = (await embedded(sim, embedder, embedder.request("a fox"))).vectors
    assert alone == pytest.approx(fox)


@each
async def test_vectors_are_as_long_as_asked_for(sim: Simulator, embedder: Embedder) -> None:
    done = await embedded(sim, embedder, embedder.request("a hen", dimensions=64))
    assert [len(vector) for vector in done.vectors] == [64]


@each
async def test_tokens_and_cost_are_told_if_the_provider_tells_them(
    sim: Simulator, embedder: Embedder
) -> None:
    usage = (await embedded(sim, embedder, embedder.request("a hen in space"))).usage
    assert (usage is not None) == embedder.counts
    if usage is not None:
        assert usage.input_tokens > 0
        assert usage.output_tokens == 0
        assert (usage.cost_nano is not None) == embedder.tells_cost


@each
async def test_many_texts_are_embedded_at_once(sim: Simulator, embedder: Embedder) -> None:
    texts = [f"hen {number}" for number in range(230)]
    done = await embedded(sim, embedder, embedder.request(*texts, dimensions=8))
    assert len(done.vectors) == 230
    (last,) = (await embedded(sim, embedder, embedder.request(texts[-1], dimensions=8))).vectors
    assert done.vectors[-1] == pytest.approx(last)


@each
async def test_a_task_and_a_title_do_no_harm(sim: Simulator, embedder: Embedder) -> None:
    request = embedder.request("a hen", task_type="RETRIEVAL_DOCUMENT", title="Hens")
    assert len((await embedded(sim, embedder, request)).vectors) == 1
