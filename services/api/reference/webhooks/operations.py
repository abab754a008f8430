"""Endpoints: making, changing, testing, rotating."""

from __future__ import annotations

from services.api.reference.model import Answer, Content, Event, Operation, Problem
from services.api.reference.parameters import header, path
from services.api.reference.schema import ref
from services.api.reference.webhooks import examples
from services.api.reference.webhooks.deliveries import delivery_operations
from services.api.scopes import Scope
from services.api.webhooks.fields import BadField
from shared.webhooks.endpoint import EndpointDisabled, TooManyEndpoints, UnknownEndpoint
from shared.webhooks.secrets import TooManySecrets

_ID = path("endpoint_id", "As creating it gave it.", examples=[examples.ENDPOINT_ID])
_UNKNOWN = Problem(UnknownEndpoint(), "there is no such endpoint, or it is another account's")
_BAD_URL = Problem(BadField("url", "is not usable: The URL must start with https://."), "a field is wrong")
_SAMPLE = f"/v1/webhooks/{examples.ENDPOINT_ID}"
_ONE = Content(ref("WebhookEndpoint"), {"An endpoint": examples.ENDPOINT})
_SECRET = Content(ref("WebhookEndpointWithSecret"), {"An endpoint": examples.WITH_SECRET})


def webhook_operations() -> tuple[Operation, ...]:
    """Endpoints of the account and their deliveries."""
    return (_create(), _list(), *_one(), _test(), _rotate(), *delivery_operations())


def endpoint_event() -> Event:
    """What endpoints are told."""
    return Event(
        name="endpointEvent",
        summary="An event of the account",
        description="Sent to endpoints that want it, in whatever dialect a task was asked: at once, "
        "then up to seven times more in about 28 hours until an answer of 2xx. Some come twice.",
        parameters=(
            header("webhook-id", "The delivery's id, the same in every attempt.", required=True),
            header("webhook-timestamp", "When this attempt was made, in seconds since 1970.", required=True),
            header(
                "webhook-signature",
                "Signatures of Standard Webhooks, `v1,` and base64, with a space between: during a rotation "
                "one for each secret.",
                required=True,
            ),
        ),
        body=Content(ref("EndpointEvent"), examples.EVENTS),
    )


def _create() -> Operation:
    return Operation(
        method="POST",
        path="/v1/webhooks",
        name="createWebhook",
        summary="Make a webhook endpoint",
        description="It is told of all that happens from then on. Its secret is shown here and never again.",
        scope=Scope.WEBHOOKS,
        body=Content(ref("NewWebhookEndpoint"), examples.NEW),
        answers=(Answer(201, "The endpoint.", (_SECRET,)),),
        problems=(_BAD_URL, Problem(TooManyEndpoints(), "the account has 20 already")),
    )


def _list() -> Operation:
    return Operation(
        method="GET",
        path="/v1/webhooks",
        name="listWebhooks",
        summary="List the webhook endpoints",
        description="All of them, newest first.",
        scope=Scope.WEBHOOKS,
        answers=(
            Answer(
                200,
                "The endpoints.",
                (Content(ref("WebhookEndpointList"), {"One": examples.ENDPOINTS}),),
            ),
        ),
    )


def _one() -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path="/v1/webhooks/{endpoint_id}",
            name="readWebhook",
            summary="Read a webhook endpoint",
            scope=Scope.WEBHOOKS,
            parameters=(_ID,),
            sample=_SAMPLE,
            answers=(Answer(200, "The endpoint.", (_ONE,)),),
            problems=(_UNKNOWN,),
        ),
        Operation(
            method="PATCH",
            path="/v1/webhooks/{endpoint_id}",
            name="changeWebhook",
            summary="Change a webhook endpoint",
            description="Fields that are absent or null stay as they are. Attempts take the new address from "
            "then on, also those of earlier events.",
            scope=Scope.WEBHOOKS,
            parameters=(_ID,),
            body=Content(ref("WebhookEndpointChanges"), examples.CHANGES),
            sample=_SAMPLE,
            answers=(Answer(200, "The endpoint as it is now.", (_ONE,)),),
            problems=(_UNKNOWN, _BAD_URL),
        ),
        Operation(
            method="DELETE",
            path="/v1/webhooks/{endpoint_id}",
            name="deleteWebhook",
            summary="Delete a webhook endpoint",
            description="What still waits for it is given up; its deliveries can be read all the same.",
            scope=Scope.WEBHOOKS,
            parameters=(_ID,),
            sample=_SAMPLE,
            answers=(Answer(204, "It is gone."),),
            problems=(_UNKNOWN,),
        ),
    )


def _test() -> Operation:
    return Operation(
        method="POST",
        path="/v1/webhooks/{endpoint_id}/test",
        name="testWebhook",
        summary="Send webhook.test to an endpoint",
        description="Takes no body. It is sent within seconds, whatever the endpoint's filter.",
        scope=Scope.WEBHOOKS,
        parameters=(_ID,),
        sample=f"{_SAMPLE}/test",
        answers=(Answer(202, "It will be sent.", (Content(ref("WebhookTest"), {"A test": examples.TEST}),)),),
        problems=(_UNKNOWN, Problem(EndpointDisabled(), "the endpoint is disabled")),
    )


def _rotate() -> Operation:
    return Operation(
        method="POST",
        path="/v1/webhooks/{endpoint_id}/rotate",
        name="rotateWebhookSecret",
        summary="Replace an endpoint's secret",
        description="The new one is shown here and never again. For the overlap, `webhook-signature` has a "
        "signature by each; then the old one is void. An overlap of 0 voids all older ones within seconds.",
        scope=Scope.WEBHOOKS,
        parameters=(_ID,),
        body=Content(ref("SecretRotation"), examples.ROTATION),
        sample=f"{_SAMPLE}/rotate",
        answers=(Answer(200, "The endpoint and its new secret.", (_SECRET,)),),
        problems=(
            _UNKNOWN,
            Problem(BadField("overlap_seconds", "must be a whole number from 0 to 604800"), "it is not"),
            Problem(TooManySecrets(), "five secrets are valid already"),
        ),
    )
