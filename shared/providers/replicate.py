"""Replicate, authorised by `Authorization: Bearer …`. Source: replicate.com/docs, "HTTP API"."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import quote

import structlog
from pydantic import SecretStr

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, ProviderJob, Running
from shared.providers.exchange import ProviderClient
from shared.providers.prompts import prompt_text
from shared.providers.refusals import REFUSAL
from shared.providers.replicate_answers import merge, read_prediction, read_submit
from shared.providers.tools import ProviderTools

log = structlog.get_logger()

BASE_URL: Final = "https://api.replicate.com"
_OFFICIAL: Final = re.compile(r"[^/:]+/[^/:]+")


class ReplicateProvider:
    """One prediction per image, submitted and polled together.

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
        self._refusal = refusal

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        """All predictions at once; if only some are accepted, the job goes on with those."""
        url, payload = self._submission(request)
        results = await asyncio.gather(*(self._submit_one(url, payload) for _ in range(request.num_outputs)))
        ids = tuple(result for result in results if isinstance(result, str))
        failures = [result for result in results if isinstance(result, Failed)]
        if not ids:
            return failures[0]
        if failures:
            log.warning(
                "submission accepted in part",
                provider=self.name,
                accepted=len(ids),
                asked=request.num_outputs,
                error_classes=sorted({failure.error_class.value for failure in failures}),
            )
        return Accepted(ProviderJob(ids))

    async def poll(self, job: ProviderJob) -> Running | Done | Failed:
        return merge(await asyncio.gather(*(self._poll_one(prediction) for prediction in job.ids)))

    async def cancel(self, job: ProviderJob) -> None:
        await asyncio.gather(
            *(
                self._client.call(
                    "POST", f"{self._predictions}/{quote(prediction)}/cancel", self._client.limits.poll
                )
                for prediction in job.ids
            )
        )

    async def _submit_one(self, url: str, payload: dict[str, Any]) -> str | Failed:
        return read_submit(await self._client.call("POST", url, self._client.limits.submit, payload))

    async def _poll_one(self, prediction: str) -> Running | Done | Failed:
        reply = await self._client.call(
            "GET", f"{self._predictions}/{quote(prediction)}", self._client.limits.poll
        )
        return read_prediction(reply, self._refusal)

    def _submission(self, request: GenerationRequest) -> tuple[str, dict[str, Any]]:
        model = request.upstream_model
        if _OFFICIAL.fullmatch(model):
            return f"{self._models}/{quote(model)}/predictions", {"input": model_input(request)}
        return self._predictions, {"version": model.rpartition(":")[2], "input": model_input(request)}


def model_input(request: GenerationRequest) -> dict[str, Any]:
    """The input of one nano banana prediction; the catalog's options win over everything else."""
    body: dict[str, Any] = {"prompt": prompt_text(request), "output_format": "png"}
    if request.aspect_ratio:
        body["aspect_ratio"] = request.aspect_ratio
    if request.resolution:
        body["resolution"] = request.resolution
    if request.image_urls:
        body["image_input"] = list(request.image_urls)
    return {**body, **request.options}
