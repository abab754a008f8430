"""What `hatchery bench chat` sells: one chat model with one route, to OpenAI as the simulator plays it."""

from __future__ import annotations

from typing import Any

MODEL = "openai/gpt-5-mini"
UPSTREAM = "gpt-5-mini"
SIMULATED_PATH = "/openai/v1"
SIMULATED_KEY = "sim-key"

CATALOG: dict[str, Any] = {
    "providers": {"openai": {}},
    "models": {
        "gpt-5-mini": {
            "kind": "chat",
            "price": {"per": "token", "usd_per_million_input": "0.25", "usd_per_million_output": "2.00"},
            "deadline_seconds": 300,
            "chain": [{"provider": "openai", "generate": UPSTREAM}],
        }
    },
    "openai": {
        MODEL: {
            "model": "gpt-5-mini",
            "display_name": "GPT-5 mini",
            "owned_by": "openai",
            "capabilities": ["chat"],
            "credits": 1,
        }
    },
}
