"""The same Idempotency-Key gives the same answer, and one task.

An endpoint that creates a task asks twice::

    owner = await parts.admit(request, Scope.IMAGES)
    content = await read_object(request)
    claim = claim_of(request, "openai.images.generations", content)
    if (kept := await parts.idempotency.replay(owner, claim)) is not None:
        return kept
    ...  # check and price the request
    return await parts.idempotency.create(Submission(..., claim=claim), render)

and one that answers a text call itself gives the claim to `TextOrders.open` and the answer's bytes to
`TextOrders.answered`, which keeps them where there is a claim::

    task = await parts.orders.open(Submission(..., mode="sync", claim=claim))
    ...
    parts.orders.answered(task, outcome.attempts, tokens, Answer(200, body))

For a stream these are all bytes that were sent, with `media_type="text/event-stream"`; they need not be
gathered unless `task.idempotency` is set. What is not kept cannot be given again: AnswerNotKept.

`replay` comes before the request is checked, so that a retry is answered as the first request was, whatever
has become of the catalog and the balance since. A text call that failed frees its key: nothing was delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fastapi import Response

from services.api.claims import Answer, Claim
from services.api.errors import IdempotencyKeyInUse, IdempotencyKeyMismatch
from services.api.submit import KeyTaken, Submission, Submissions
from shared.accounts.key import KeyOwner
from shared.coupons.refusals import CouponAlreadyUsed
from shared.errors import HatcheryError
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.store import TaskStore

Render = Callable[[Task], Answer]
"""The answer that tells of an accepted task."""

_DELIVERED = frozenset({State.GENERATED, State.COMPLETED})
_NOT_DELIVERED = frozenset({State.REJECTED, State.FAILED, State.CANCELLED})


class AnswerNotKept(HatcheryError):
    """The request with this Idempotency-Key has been carried out; its answer was not kept"""

    code, status = "idempotency_answer_not_kept", 409


class Idempotency:
    """Keys are an account's own and last for 24 hours after the answer."""

    def __init__(self, store: TaskStore, submissions: Submissions) -> None:
        self._store = store
        self._submissions = submissions

    async def replay(self, owner: KeyOwner, claim: Claim | None) -> Response | None:
        """The answer to the first request with this key, byte by byte; None where there was none.

        Raises IdempotencyKeyMismatch, IdempotencyKeyInUse and AnswerNotKept.
        """
        if claim is None:
            return None
        first = await self._store.claimed(owner.account_id, claim.key)
        if first is None:
            return None
        kept, state = first["idempotency"], State(first["state"])
        if "answer" not in kept and state in _NOT_DELIVERED:
            await self._store.free_key(first["_id"])
            return None
        if kept["fingerprint"] != claim.fingerprint:
            raise IdempotencyKeyMismatch
        if "answer" in kept:
            return Answer.from_document(kept["answer"]).response()
        if state in _DELIVERED:
            raise AnswerNotKept
        raise IdempotencyKeyInUse

    async def create(self, submission: Submission, render: Render) -> Response:
        """The answer to the accepted task, or to the one that another request has just created.

        Raises what `replay` raises, InsufficientBalance, ServiceUnavailable, and CouponAlreadyUsed, which
        `without_coupon` answers.
        """
        try:
            task = await self._submissions.submit(replace(submission, answer=render))
        except KeyTaken:
            kept = await self.replay(submission.owner, submission.claim)
            if kept is None:
                raise
            return kept
        return render(task).response()

    async def without_coupon(
        self, owner: KeyOwner, claim: Claim | None, refused: CouponAlreadyUsed
    ) -> Response:
        """The answer to a request whose coupon is taken: by the same request, perhaps, sent before.

        Raises what `replay` raises, IdempotencyKeyInUse as long as that cannot be told, and the refusal.
        """
        if claim is None:
            raise refused
        # Asked before the key: a task that is stored in between has it.
        on_its_way = await self._submissions.coupon_on_its_way(refused.coupon, owner.account_id)
        kept = await self.replay(owner, claim)
        if kept is not None:
            return kept
        raise IdempotencyKeyInUse if on_its_way else refused
