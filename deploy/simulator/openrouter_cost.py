"""What a call at OpenRouter costs, in its own words."""

from __future__ import annotations

from typing import Any

_PROMPT_TOKEN = 0.0000003
_ANSWER_TOKEN = 0.0000025
_IMAGE_TOKENS = 1290
_IMAGE = 0.0387


def usage(prompt_tokens: int, answer_tokens: int, images: int) -> dict[str, Any]:
    """The `usage` of an answer; `cost` in US dollars."""
    written = answer_tokens + images * _IMAGE_TOKENS
    cost = round(prompt_tokens * _PROMPT_TOKEN + answer_tokens * _ANSWER_TOKEN + images * _IMAGE, 10)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": written,
        "total_tokens": prompt_tokens + written,
        "cost": cost,
        "is_byok": False,
        "cost_details": {"upstream_inference_cost": None},
        "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": images * _IMAGE_TOKENS},
    }
