from __future__ import annotations

from typing import Any

import pytest

from shared.providers.base import EmbeddingDone, EmbeddingRequest, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.providers.openai_embeddings import embedding_body, read_embeddings

USAGE = {"prompt_tokens": 5, "total_tokens": 5}


def item(index: object, *vector: object) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(vector)}


def test_task_type_and_title_are_not_sent() -> None:
    request = EmbeddingRequest("m", ("a", "b"), None, "RETRIEVAL_DOCUMENT", "title")
    assert embedding_body(request) == {"model": "m", "input": ["a", "b"], "encoding_format": "float"}


def test_dimensions_are_sent_and_the_routes_options_win() -> None:
    request = EmbeddingRequest("m", ("a",), 256, options={"user": "u", "dimensions": 512})
    assert embedding_body(request)["dimensions"] == 512
    assert embedding_body(request)["user"] == "u"


def test_vectors_are_put_in_the_order_of_the_inputs() -> None:
    body = {"data": [item(1, 0.5, 1), item(0, 0.25, -2)], "usage": USAGE}
    assert read_embeddings(body, 2) == EmbeddingDone(((0.25, -2.0), (0.5, 1.0)), TokenUsage(5, 0))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [item(0, 0.1)],
        [item(0, 0.1), item(0, 0.2)],
        [item(0, 0.1), item(2, 0.2)],
        [item(0, 0.1), item(1, 0.2), item(2, 0.3)],
        [item(0, 0.1), item(1)],
        [item(0, 0.1), item(1, None)],
        [item(0, 0.1), {"index": 1, "embedding": "AAAA"}],
        [item(0, 0.1), item([], 0.2)],
        [item(0, 0.1), 7],
    ],
)
def test_anything_but_one_vector_per_input_is_transient(data: object) -> None:
    result = read_embeddings({"data": data, "usage": USAGE}, 2)
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.TRANSIENT
