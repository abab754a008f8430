"""What a key may be limited to."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """Names as in the OpenAI-style platform; the other dialects' endpoints fall under the same."""

    MODELS_READ = "models:read"
    CHAT = "chat"
    IMAGES = "images"
    EMBEDDINGS = "embeddings"
    TASKS_READ = "tasks:read"
    BILLING = "billing"
    """Ours: statements and top-ups."""
    WEBHOOKS = "webhooks"
    """Ours: webhook endpoints and their deliveries."""
