"""Deliveries: reading and sending again."""

from __future__ import annotations

from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import path, query
from services.api.reference.schema import ref, text, whole
from services.api.reference.webhooks import examples
from services.api.scopes import Scope
from services.api.webhooks.fields import DEFAULT_PAGE_SIZE, MOST_PAGE_SIZE, BadField
from shared.webhooks.deliveries import TooManyAttempts, UnknownDelivery
from shared.webhooks.endpoint import UnknownEndpoint
from shared.webhooks.states import DeliveryState

_ID = path("delivery_id", "As the list gives it.", examples=[examples.DELIVERY_ID])
_UNKNOWN = Problem(UnknownDelivery(), "there is no such delivery, or it is another account's")
_SAMPLE = f"/v1/webhooks/deliveries/{examples.DELIVERY_ID}"
_ROW = Content(ref("Delivery"), {"A delivery": examples.DELIVERY})


def delivery_operations() -> tuple[Operation, ...]:
    """Of deliveries to endpoints and to callbacks."""
    return (_list(), _read(), _redeliver(), _redeliver_since())


def _list() -> Operation:
    return Operation(
        method="GET",
        path="/v1/webhooks/deliveries",
        name="listDeliveries",
        summary="List the deliveries",
        description="To endpoints and to callbacks, newest first.",
        scope=Scope.WEBHOOKS,
        parameters=(
            query("endpoint", "Only to this endpoint.", text(maxLength=100)),
            query("event", "Only of this event, such as `task.failed`.", text(maxLength=100)),
            query("state", "Only in this state.", text(enum=[*DeliveryState])),
            query("task", "Only of this task.", text(maxLength=100)),
            query("from", "Only those made then or later.", text(format="date-time")),
            query("to", "Only those made before.", text(format="date-time")),
            query("cursor", "The `next_cursor` of an earlier answer.", text(pattern="^whd_[0-9a-z]{26}$")),
            query(
                "limit",
                "How many at most.",
                whole(minimum=1, maximum=MOST_PAGE_SIZE, default=DEFAULT_PAGE_SIZE),
            ),
        ),
        answers=(Answer(200, "A page.", (Content(ref("DeliveryList"), {"One": examples.DELIVERIES}),)),),
        problems=(
            Problem(BadField("limit", "must be a whole number from 1 to 100"), "a parameter is wrong"),
        ),
    )


def _read() -> Operation:
    return Operation(
        method="GET",
        path="/v1/webhooks/deliveries/{delivery_id}",
        name="readDelivery",
        summary="Read a delivery",
        description="With what was sent and what came back, attempt by attempt.",
        scope=Scope.WEBHOOKS,
        parameters=(_ID,),
        sample=_SAMPLE,
        answers=(Answer(200, "The delivery.", (Content(ref("DeliveryDetail"), {"One": examples.DETAIL}),)),),
        problems=(_UNKNOWN,),
    )


def _redeliver() -> Operation:
    return Operation(
        method="POST",
        path="/v1/webhooks/deliveries/{delivery_id}/redeliver",
        name="redeliver",
        summary="Attempt a delivery again",
        description="Takes no body. The id and the bytes are the same, it is attempted at once; should that "
        "fail, the schedule starts anew.",
        scope=Scope.WEBHOOKS,
        parameters=(_ID,),
        sample=f"{_SAMPLE}/redeliver",
        answers=(Answer(202, "It will be attempted.", (_ROW,)),),
        problems=(_UNKNOWN, Problem(TooManyAttempts(), "it has been attempted 100 times")),
    )


def _redeliver_since() -> Operation:
    return Operation(
        method="POST",
        path="/v1/webhooks/redeliver",
        name="redeliverSince",
        summary="Attempt again all that was given up",
        description="All deliveries whose attempts ended since then without success.",
        scope=Scope.WEBHOOKS,
        body=Content(ref("RedeliverySince"), examples.AGAIN),
        answers=(
            Answer(
                202,
                "They will be attempted.",
                (Content(ref("RedeliveryCount"), {"Some": examples.REDELIVERED}),),
            ),
        ),
        problems=(
            Problem(BadField("since", "must be a time, such as 2027-01-31T12:00:00Z"), "a field is wrong"),
            Problem(UnknownEndpoint(), "there is no such endpoint"),
        ),
    )
