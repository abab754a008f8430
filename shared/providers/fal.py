"""fal's queue, authorised by `Authorization: Key …`. Source: fal.ai/docs, "Queue API"."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, ProviderJob, Running
from shared.providers.exchange import ProviderClient
from shared.providers.fal_answers import Submitted, read_result, read_status, read_submit
from shared.providers.fal_input import model_input
from shared.providers.tools import ProviderTools

BASE_URL: Final = "https://queue.fal.run"
_NAMESPACES: Final = frozenset({"workflows", "comfy"})
_SUFFIXES: Final = {"status": "/status", "response": "", "cancel": "/cancel"}


class FalProvider:
    """Submits to the queue, polls the status and fetches the result once the queue is done.

    `upstream_model` is the endpoint's path, such as `fal-ai/nano-banana/edit`. One job makes all images,
    or one video.
    Addresses in answers are used if they have the base URL's scheme and host; others are never called.
    """

    name = "fal"

    def __init__(
        self,
        tools: ProviderTools,
        key: SecretStr,
        base_url: str | None = None,
    ) -> None:
        self._client = ProviderClient(tools, base_url or BASE_URL, key, scheme="Key ")

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        url = f"{self._client.base_url}/{quote(request.upstream_model.strip('/'))}"
        if request.callback_url:
            url += "?" + urlencode({"fal_webhook": request.callback_url})
        limit = self._client.limits.submit_within(request.time_limit)
        reply = await self._client.call("POST", url, limit, model_input(request))
        submitted = read_submit(reply)
        if isinstance(submitted, Failed):
            return submitted
        return Accepted(ProviderJob((submitted.request_id,), self._addresses(request, submitted)))

    async def poll(self, job: ProviderJob) -> Running | Done | Failed:
        reply = await self._client.call("GET", job.urls.get("status", ""), self._client.limits.poll)
        status = read_status(reply)
        if isinstance(status, Running):
            return status
        result = await self._client.call("GET", job.urls.get("response", ""), self._client.limits.poll)
        return read_result(result, status)

    async def cancel(self, job: ProviderJob) -> None:
        await self._client.call("PUT", job.urls.get("cancel", ""), self._client.limits.poll)

    def _addresses(self, request: GenerationRequest, submitted: Submitted) -> dict[str, str]:
        app = quote(app_path(request.upstream_model))
        own = f"{self._client.base_url}/{app}/requests/{submitted.request_id}"
        addresses = {name: own + suffix for name, suffix in _SUFFIXES.items()}
        return addresses | {name: url for name, url in submitted.urls.items() if self._client.is_ours(url)}


def app_path(upstream_model: str) -> str:
    """The part of an endpoint's path that addresses its requests: the sub-path is left out.

    `fal-ai/nano-banana/edit` → `fal-ai/nano-banana`; `workflows/` and `comfy/` keep three segments.
    """
    segments = upstream_model.strip("/").split("/")
    return "/".join(segments[: 3 if segments[0] in _NAMESPACES else 2])
