"""Replicate, authorised by `Authorization: Bearer …`. Source: replicate.com/docs, "HTTP API"."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, ProviderJob, Running
from shared.providers.exchange import NoReply, ProviderClient, Reply
from shared.providers.refusals import REFUSAL
from shared.providers.replicate_answers import read_prediction, read_submit
from shared.providers.replicate_errors import rows
from shared.providers.replicate_input import model_input
from shared.providers.several import cancel_each, poll_each, submit_each
from shared.providers.tools import ProviderTools

BASE_URL: Final = "https://api.replicate.com"
_OFFICIAL: Final = re.compile(r"[^/:]+/[^/:]+")


class ReplicateProvider:
    """One prediction per output, submitted and polled together.

    `upstream_model` is `owner/name`, `owner/name:version` or a version id. All addresses are built from the
    base URL; those in answers are not used. `refusal` tells refusals among the texts of failed predictions.
    """

    name = "replicate"

    def __init__(
        self,
        tools: ProviderTools,
        key: SecretStr,
        base_url: str | None = None,
        refusal: re.Pattern[str] = REFUSAL,
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/v1")
        self._client = ProviderClient(tools, base, key)
        self._predictions = f"{base}/v1/predictions"
        self._models = f"{base}/v1/models"
        self._rows = rows(refusal)

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        """All predictions at once; if only some are accepted, the job goes on with those."""
        url, payload = self._submission(request)
        limit = self._client.limits.submit_within(request.time_limit)

        async def submit_one() -> str | Failed:
            reply = await self._client.call("POST", url, limit, payload)
            return read_submit(reply, self._rows)

        return await submit_each(self.name, request.num_outputs, submit_one)

    async def poll(self, job: ProviderJob) -> Running | Done | Failed:
        return await poll_each(job, self._poll_one)

    async def cancel(self, job: ProviderJob) -> None:
        await cancel_each(job, self._cancel_one)

    async def _poll_one(self, prediction: str) -> Running | Done | Failed:
        url = f"{self._predictions}/{quote(prediction)}"
        return read_prediction(await self._client.call("GET", url, self._client.limits.poll), self._rows)

    async def _cancel_one(self, prediction: str) -> Reply | NoReply:
        url = f"{self._predictions}/{quote(prediction)}/cancel"
        return await self._client.call("POST", url, self._client.limits.poll)

    def _submission(self, request: GenerationRequest) -> tuple[str, dict[str, Any]]:
        payload: dict[str, Any] = {"input": model_input(request)}
        if request.callback_url:
            payload |= {"webhook": request.callback_url, "webhook_events_filter": ["completed"]}
        model = request.upstream_model
        if _OFFICIAL.fullmatch(model):
            return f"{self._models}/{quote(model)}/predictions", payload
        return self._predictions, {"version": model.rpartition(":")[2], **payload}
