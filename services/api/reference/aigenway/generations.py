"""Estimates and generations."""

from __future__ import annotations

from services.api.dialects.aigenway.errors import (
    CallFailed,
    InvalidParameters,
    InvalidRequest,
    NotEnough,
    PriceNotConfigured,
    UnsupportedMethod,
    UnsupportedModel,
    UnsupportedProvider,
)
from services.api.errors import ScopeNotAllowed, ServiceUnavailable
from services.api.idempotency import AnswerNotKept
from services.api.reference.aigenway import examples
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.schema import ref
from services.api.scopes import Scope
from shared.coupons.refusals import CouponAlreadyUsed, CouponExpired, CouponInvalid, CouponUsedUp
from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure

_CHECKED = (
    Problem(
        InvalidRequest("provider is required", {"field": "provider"}), "a field beside `params` is wrong"
    ),
    Problem(UnsupportedProvider(), "there is no such provider"),
    Problem(UnsupportedModel(), "the provider has no such model"),
    Problem(UnsupportedMethod(), "the model has no such method"),
    Problem(
        InvalidParameters(
            "prompt is required", {"fields": [{"field": "params.prompt", "message": "prompt is required"}]}
        ),
        "`params` are wrong; the details name each",
    ),
    Problem(PriceNotConfigured(), "there is no price for this choice of options"),
    Problem(CouponInvalid("WELCOME10"), "there is no such coupon, or it does not count for this request"),
    Problem(CouponExpired("WELCOME10"), "the coupon has expired"),
    Problem(CouponAlreadyUsed("WELCOME10"), "the account has used the coupon as often as it may"),
    Problem(CouponUsedUp("WELCOME10"), "all uses of the coupon are taken"),
)


def _failed(error_class: ErrorClass, message: str, when: str) -> Problem:
    failure = TaskFailure(error_class=error_class, message=message)
    return Problem(CallFailed(failure, examples.TASK_ID), f"{when} (methods that answer in the request)")


def estimate() -> Operation:
    """What a generation would cost."""
    return Operation(
        method="POST",
        path="/v1/estimate",
        name="estimate",
        summary="Learn what a generation would cost at most",
        description="Takes what `POST /v1/generations` takes; nothing is made, held or charged.",
        scope=Scope.MODELS_READ,
        body=Content(ref("GenerationRequest"), examples.ESTIMATED),
        answers=(Answer(200, "The price.", (Content(ref("Estimate"), {"An image": examples.ESTIMATE}),)),),
        problems=_CHECKED,
    )


def generate() -> Operation:
    """The one way to have something made."""
    return Operation(
        method="POST",
        path="/v1/generations",
        name="createGeneration",
        summary="Have something made",
        description="Needs the scope `images` for images and videos, `chat` for texts, `embeddings` for "
        "vectors. An older form has all three names in `method`, as `provider/model/method`.",
        idempotent=True,
        body=Content(ref("GenerationRequest"), examples.REQUESTS),
        answers=(
            Answer(200, "The finished answer of a text or embedding method.",
                   (Content(ref("TaskResult"), {"A text": examples.ANSWERED}),)),
            Answer(202, "The accepted task of an image or video method.",
                   (Content(ref("Queued"), {"Accepted": examples.QUEUED}),)),
        ),
        problems=(
            *_CHECKED,
            Problem(
                NotEnough(120_000_000, 50_000_000),
                "the balance does not cover the highest price; with no details: a spend cap does not",
            ),
            Problem(ScopeNotAllowed(), "the key is limited to other scopes"),
            Problem(AnswerNotKept(), "the answer to this `Idempotency-Key` was too large to be kept"),
            Problem(ServiceUnavailable(), "the request was cut off; what it held is given back"),
            _failed(ErrorClass.NO_OUTPUT, "The model produced no output", "nothing was made"),
            _failed(ErrorClass.CALLER_FAULT, "Invalid request", "the provider found the request invalid"),
            _failed(ErrorClass.DEADLINE, "Task timed out", "it took too long"),
            _failed(ErrorClass.TRANSIENT, "Generation failed on every provider", "no provider could answer"),
            _failed(ErrorClass.PROVIDER_NOT_CONFIGURED, "This model is not available at the moment",
                    "the model has no provider"),
        ),
    )  # fmt: skip
