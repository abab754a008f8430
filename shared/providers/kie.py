"""kie.ai's market API, authorised by `Authorization: Bearer …`. Source: docs.kie.ai, "Market"."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, ProviderJob, Running
from shared.providers.exchange import ProviderClient
from shared.providers.kie_answers import read_record, read_submit
from shared.providers.kie_errors import rows
from shared.providers.kie_input import model_input
from shared.providers.refusals import REFUSAL
from shared.providers.several import poll_each, submit_each
from shared.providers.tools import ProviderTools

BASE_URL: Final = "https://api.kie.ai"


class KieProvider:
    """One task per output, submitted and polled together.

    `upstream_model` is kie's model name, such as `google/nano-banana-edit`. `refusal` tells refusals among
    the texts of failed tasks.
    """

    name = "kie"

    def __init__(
        self,
        tools: ProviderTools,
        key: SecretStr,
        base_url: str | None = None,
        refusal: re.Pattern[str] = REFUSAL,
    ) -> None:
        self._client = ProviderClient(tools, base_url or BASE_URL, key)
        self._jobs = f"{self._client.base_url}/api/v1/jobs"
        self._rows = rows(refusal)

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        """All tasks at once; if only some are accepted, the job goes on with those."""
        payload: dict[str, Any] = {"model": request.upstream_model, "input": model_input(request)}
        if request.callback_url:
            payload["callBackUrl"] = request.callback_url
        url, limit = f"{self._jobs}/createTask", self._client.limits.submit_within(request.time_limit)

        async def submit_one() -> str | Failed:
            return read_submit(await self._client.call("POST", url, limit, payload), self._rows)

        return await submit_each(self.name, request.num_outputs, submit_one)

    async def poll(self, job: ProviderJob) -> Running | Done | Failed:
        return await poll_each(job, self._poll_one)

    async def cancel(self, job: ProviderJob) -> None:
        """Does nothing: kie.ai has no such call, so a task it took is made and charged."""

    async def _poll_one(self, task_id: str) -> Running | Done | Failed:
        url = f"{self._jobs}/recordInfo?taskId={quote(task_id)}"
        return read_record(await self._client.call("GET", url, self._client.limits.poll), self._rows)
