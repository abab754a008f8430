"""Opening the tasks of text requests."""

from __future__ import annotations

from fastapi import Request

from services.api.claims import Claim
from services.api.dialects.openai.offers import Offered
from services.api.dialects.paths import OPENAI
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.submit import Submission
from shared.accounts.key import KeyOwner
from shared.ids import Prefix, new_id
from shared.tasks.model import Task, TaskRequest


async def open_order(
    parts: ApiParts,
    request: Request,
    owner: KeyOwner,
    offered: Offered,
    prefix: Prefix,
    claim: Claim | None,
) -> Task:
    """The running task with its credits held; it knows nothing of what is said.

    Raises InsufficientBalance, IdempotencyKeyInUse and ServiceUnavailable.
    """
    nothing_said = TaskRequest(prompt="")
    quote = offered.quote(nothing_said, owner.terms, parts.clock.now())
    task = await parts.orders.open(
        Submission(
            task_id=new_id(prefix),
            owner=owner,
            dialect=OPENAI,
            kind=offered.model.kind.value,
            model=offered.offer.model,
            request=nothing_said,
            quote=quote,
            deadline=offered.model.deadline,
            callback_url=None,
            request_id=request.state.request_id,
            mode="sync",
            public_model=offered.public_id,
            claim=claim,
        )
    )
    note(request, task_id=task.id, credits=offered.credits(quote))
    return task
