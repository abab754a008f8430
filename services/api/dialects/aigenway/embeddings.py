"""Checked params of `embedding` as texts to embed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.api.dialects.aigenway.params import at_fault
from services.api.text.requests import Texts
from shared.catalog.aigenway_text_tables import MOST_TEXTS, NATIVE_DIMENSIONS


def texts_of(params: Mapping[str, Any]) -> Texts:
    """`inputs` before `input`, each a text or a list of them. Raises InvalidParameters."""
    name = "inputs" if "inputs" in params else "input"
    given = params[name]
    inputs = [given] if isinstance(given, str) else given
    if not 1 <= len(inputs) <= MOST_TEXTS:
        raise at_fault([(name, f"must have 1 to {MOST_TEXTS} items")])
    wrong = [number for number, text in enumerate(inputs) if not isinstance(text, str) or not text]
    if wrong:
        raise at_fault([(f"{name}[{number}]", "must be a string that is not empty") for number in wrong[:10]])
    title = params.get("title")
    if title is not None and params.get("task_type") != "RETRIEVAL_DOCUMENT":
        raise at_fault([("title", "goes with task_type RETRIEVAL_DOCUMENT only")])
    return Texts(
        tuple(inputs),
        params.get("output_dimensionality", NATIVE_DIMENSIONS),
        params.get("task_type"),
        title,
    )


def most_input(texts: Texts) -> int:
    """The most tokens that they can take: a token has a byte at least."""
    return sum(len(text.encode()) for text in texts.inputs)
