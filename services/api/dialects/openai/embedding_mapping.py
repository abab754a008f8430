"""Vectors as OpenAI words them. Pure. Source: platform.openai.com/docs, "Embeddings"."""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from shared.tasks.model import Tokens


def embeddings_body(
    model: str, vectors: Sequence[Sequence[float]], in_base64: bool, tokens: Tokens
) -> dict[str, Any]:
    """One item per input, in order."""
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector) if in_base64 else list(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens.input_tokens, "total_tokens": tokens.input_tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def encoded(vector: Sequence[float]) -> str:
    """Little-endian 32-bit floats in base64, as OpenAI's own clients ask for them."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
