"""`POST /v1/estimate` and `POST /v1/generations`: the same checks and the same price for both."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.body import read_object
from services.api.claims import Answer, Claim, claim_of
from services.api.dialects.aigenway import params as parameters
from services.api.dialects.aigenway.conversations import TextCall, text_call
from services.api.dialects.aigenway.coupons import coupon_of
from services.api.dialects.aigenway.embeddings import most_input, texts_of
from services.api.dialects.aigenway.errors import InvalidRequest, NotEnough
from services.api.dialects.aigenway.mapping import estimate_body, queued_body
from services.api.dialects.aigenway.media import kind_of, request_of
from services.api.dialects.aigenway.prices import Priced, Wanted, priced
from services.api.dialects.aigenway.targets import Target, Targets
from services.api.dialects.aigenway.text import SyncAnswer
from services.api.dialects.openai.connection import WhileConnected
from services.api.dialects.paths import AIGENWAY
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from services.api.submit import Submission
from services.api.text.requests import Texts
from shared.accounts.key import KeyOwner
from shared.aigenway import FILE_TOKEN, METHOD, PROVIDER
from shared.catalog.quotes import MostTokens
from shared.catalog.terms import AccountTerms
from shared.coupons.coupon import Coupon
from shared.coupons.refusals import CouponAlreadyUsed
from shared.http import UnsafeAddress
from shared.ids import Prefix, new_id
from shared.ledger.refusals import InsufficientBalance, SpendCapReached
from shared.providers.capabilities import Kind
from shared.tasks.model import TaskRequest

SCOPE: Final = "public_api.generations"
"""Of Idempotency-Keys, as the platform calls it."""
MOST_BODY_BYTES: Final = 8 * 1024 * 1024
_SCOPES: Final = {
    Kind.IMAGE: Scope.IMAGES,
    Kind.VIDEO: Scope.IMAGES,
    Kind.CHAT: Scope.CHAT,
    Kind.EMBEDDING: Scope.EMBEDDINGS,
}
_TOKEN_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Order:
    """A checked and priced request."""

    target: Target
    request: TaskRequest
    text: TextCall | Texts | None
    """None: an image or a video, made later."""
    priced: Priced
    callback_url: str | None
    coupon: Coupon | None


def generation_endpoints(parts: ApiParts, targets: Targets) -> APIRouter:
    """Both take `{provider, model, method, params, coupon, callback_url}`."""
    router = APIRouter()

    @router.post("/estimate")
    async def estimate(request: Request) -> Response:
        owner = await parts.admit(request, Scope.MODELS_READ)
        body = await read_object(request, MOST_BODY_BYTES)
        coupon = await coupon_of(body, owner.account_id, parts.coupons)
        order = order_of(body, targets, parts, owner.terms, coupon)
        balance = (await parts.ledger.balances([owner.account_id]))[owner.account_id]
        estimated = estimate_body(order.target, order.priced, balance)
        return Response(orjson.dumps(estimated), media_type="application/json")

    @router.post("/generations", status_code=202)
    async def generate(request: Request) -> Response:
        owner = await parts.admit(request, None)
        body = await read_object(request, MOST_BODY_BYTES)
        target = targets.find(body)
        parts.admit.require(owner, _SCOPES[target.table.kind])
        claim = claim_of(request, SCOPE, body)
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        try:
            coupon = await coupon_of(body, owner.account_id, parts.coupons)
            order = order_of(body, targets, parts, owner.terms, coupon)
            submission = submission_of(order, owner, claim, request)
            note(request, model=target.model, task_id=submission.task_id)
            if order.text is None:
                return await parts.idempotency.create(submission, lambda task: Answer(202, queued_body(task)))
            task = await parts.orders.open(submission)
        except CouponAlreadyUsed as refused:
            return await parts.idempotency.without_coupon(owner, claim, refused)
        except SpendCapReached:
            # Its own message says more than the balance, which may be ample.
            raise
        except InsufficientBalance as error:
            balance = (await parts.ledger.balances([owner.account_id]))[owner.account_id]
            raise NotEnough(order.priced.quote.hold_nano, balance.available) from error
        return WhileConnected(SyncAnswer(parts, task, order.text).send)

    return router


def order_of(
    body: Mapping[str, Any], targets: Targets, parts: ApiParts, account: AccountTerms, coupon: Coupon | None
) -> Order:
    """What a body asks for and what it costs with its coupon. Raises what is wrong with it."""
    target = targets.find(body)
    given = body.get("params")
    if given is not None and not isinstance(given, dict):
        raise InvalidRequest("params must be an object", {"field": "params"})
    callback_url = _callback_url(body, parts)
    values = parameters.checked(target.table, given or {}, parts.egress)
    text: TextCall | Texts | None = None
    request, most = TaskRequest(prompt=""), MostTokens(0, 0)
    if target.table.kind is Kind.CHAT:
        text = text_call(values, parts.egress)
        most = MostTokens(text.most_input, text.most_output)
    elif target.table.kind is Kind.EMBEDDING:
        text = texts_of(values)
        most = MostTokens(most_input(text), 0)
    else:
        request = request_of(target.table, values)
    wanted, terms = Wanted(target, values, request, most), coupon.terms if coupon else None
    return Order(
        target,
        request,
        text,
        priced(wanted, parts.catalog, account, terms, parts.clock.now()),
        callback_url or values.get("callback_url"),
        coupon,
    )


def _callback_url(body: Mapping[str, Any], parts: ApiParts) -> str | None:
    url = body.get("callback_url")
    if url is None:
        return None
    if not isinstance(url, str):
        raise InvalidRequest("callback_url must be a string", {"field": "callback_url"})
    try:
        parts.egress.check_url(url)
    except UnsafeAddress as error:
        message = f"callback_url is not usable: {error.message}"
        raise InvalidRequest(message, {"field": "callback_url"}) from error
    return url


def submission_of(order: Order, owner: KeyOwner, claim: Claim | None, request: Request) -> Submission:
    """What an order becomes for its client."""
    target = order.target
    names = {PROVIDER: target.provider, METHOD: target.method}
    sync = order.text is not None
    return Submission(
        task_id=new_id(Prefix.AIGENWAY_TASK),
        owner=owner,
        dialect=AIGENWAY,
        kind=target.table.kind.value if sync else kind_of(target.table),
        model=target.offer.model,
        request=order.request,
        quote=order.priced.quote,
        deadline=target.entry.deadline,
        callback_url=order.callback_url,
        request_id=request.state.request_id,
        mode="sync" if sync else "async",
        public_model=target.model,
        dialect_fields=names if sync else {**names, FILE_TOKEN: secrets.token_hex(_TOKEN_BYTES)},
        coupon=order.coupon,
        claim=claim,
    )
