"""A client of Aigenway: HTTP, a key, and the key's own webhook secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shared.accounts.key import Keys
from shared.secrets import SecretBox
from tests.harness.stack import Stack

IMAGE = {
    "provider": "google_banana",
    "model": "gemini-3.1-flash-image-preview",
    "method": "text_to_image",
}
KLING = {"provider": "kling_ai", "model": "kling-2.6", "method": "text_to_video"}
VEO = {"provider": "google_veo", "model": "veo-3.1-generate-preview", "method": "text_to_video"}
GPT = {"provider": "openai_image", "model": "gpt-image-2", "method": "text_to_image"}
TEXT = {"provider": "google_banana", "model": "gemini-2.5-flash", "method": "text_generation"}
EMBEDDING = {"provider": "google_banana", "model": "text-embedding-004", "method": "embedding"}
FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class AigenwayCustomer:
    """One account with one key."""

    account_id: str
    key_id: str
    key: str
    webhook_secret: str
    http: httpx.AsyncClient

    async def generate(
        self, target: Mapping[str, str], headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        return await self.http.post("/v1/generations", json={**target, **body}, headers=headers)

    async def queued(self, target: Mapping[str, str], **body: Any) -> str:
        """The id of an accepted task."""
        answer = await self.generate(target, **body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    async def finished(self, task_id: str, seconds: float = 60) -> dict[str, Any]:
        """The task once it is final."""
        async with asyncio.timeout(seconds):
            while True:
                answer = await self.http.get(f"/v1/tasks/{task_id}", params={"wait": 10})
                assert answer.status_code == 200, answer.text
                if answer.json()["status"] in FINAL:
                    return dict(answer.json())


@asynccontextmanager
async def aigenway_customer(stack: Stack, usd: str) -> AsyncIterator[AigenwayCustomer]:
    """A new account; its key is made as the command line makes it."""
    settings = stack.settings()
    secrets = SecretBox(settings.secrets_key.get_secret_value())
    keys = Keys(stack.database, stack.clock, settings.key_pepper, secrets)
    async with await stack.customer(usd) as account:
        key_id, key = await keys.create(account.account_id)
        secrets_of_key = await keys.webhook_secrets(key_id)
        assert secrets_of_key is not None
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=60) as http:
            yield AigenwayCustomer(account.account_id, key_id, key, secrets_of_key.current, http)
