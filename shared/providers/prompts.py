"""The text a model reads."""

from __future__ import annotations

from shared.providers.base import GenerationRequest


def prompt_text(request: GenerationRequest) -> str:
    """The prompt, then what to avoid as a sentence of its own, for models without a field for that."""
    negative = (request.negative_prompt or "").strip().rstrip(".")
    if not negative:
        return request.prompt
    prompt = request.prompt.rstrip()
    stop = "" if prompt.endswith((".", "!", "?", "…", "。")) else "."
    return f"{prompt}{stop} Avoid: {negative}."
