"""Stripe's API as far as top-ups need it: payment pages, their sessions, refunds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

import orjson
from aiohttp import web

from deploy.simulator.credentials import key_of
from deploy.simulator.stripe_book import Document, StripeProblem, new_id
from deploy.simulator.stripe_control import pay
from deploy.simulator.stripe_events import Faults
from deploy.simulator.stripe_form import nested
from deploy.simulator.world import WORLD

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _played(handler: Handler) -> Handler:
    """Refusals in Stripe's form; any key will do, but one there must be."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            if not key_of(request):
                raise StripeProblem(401, "You did not provide an API key.")
            return await handler(request)
        except StripeProblem as problem:
            error = {"type": problem.kind, "message": problem.message}
            return _json({"error": error}, problem.status)

    return answer


def _json(document: Document, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        content_type="application/json",
        headers={"Request-Id": new_id("req")},
    )


async def _once(request: web.Request, act: Callable[[Document], Document]) -> web.Response:
    """The same Idempotency-Key gets the same answer, and with another request none."""
    book, asked = request.app[WORLD].stripe, nested(await request.read())
    key = request.headers.get("Idempotency-Key")
    if key is not None and key in book.answered:
        first, answered = book.answered[key]
        if first != asked:
            raise StripeProblem(
                400, "Keys for idempotent requests can only be used once", "idempotency_error"
            )
        return _json(answered)
    answer = dict(act(asked))
    if key is not None:
        book.answered[key] = (asked, answer)
    return _json(answer)


async def _open(request: web.Request) -> web.StreamResponse:
    book = request.app[WORLD].stripe
    return await _once(request, lambda asked: book.open(asked, f"{request.scheme}://{request.host}"))


async def _read(request: web.Request) -> web.StreamResponse:
    return _json(request.app[WORLD].stripe.session(request.match_info["session"]))


async def _refund(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]

    def act(asked: Document) -> Document:
        amount = int(asked["amount"]) if str(asked.get("amount", "")).isdecimal() else None
        refund = world.stripe.refund(str(asked.get("payment_intent")), amount, "succeeded")
        charge = world.stripe.charge_of(refund["payment_intent"])
        world.stripe_events.tell(Faults(), ("refund.created", refund), ("charge.refunded", charge))
        return refund

    return await _once(request, act)


async def _page(request: web.Request) -> web.StreamResponse:
    """What the customer sees in his browser."""
    session = request.app[WORLD].stripe.sessions.get(request.match_info["session"])
    if session is None:
        return web.Response(text="There is no such payment page.", status=404)
    amount = f"${session['amount_total'] / 100:.2f}"
    form = f'<form method="post"><button>Pay {escape(amount)}</button></form>'
    text = form if session["status"] == "open" else f"<p>This page is {escape(session['status'])}.</p>"
    return web.Response(text=f"<!doctype html><title>Pay</title>{text}", content_type="text/html")


async def _paid(request: web.Request) -> web.StreamResponse:
    world, session_id = request.app[WORLD], request.match_info["session"]
    try:
        session = world.stripe.session(session_id)
        pay(world, session, Faults())
    except StripeProblem as problem:
        return web.Response(text=problem.message, status=problem.status)
    return web.Response(status=303, headers={"Location": session["success_url"]})


ROUTES = (
    web.post("/stripe/v1/checkout/sessions", _played(_open)),
    web.get("/stripe/v1/checkout/sessions/{session}", _played(_read)),
    web.post("/stripe/v1/refunds", _played(_refund)),
    web.get("/stripe/pay/{session}", _page),
    web.post("/stripe/pay/{session}", _paid),
)
