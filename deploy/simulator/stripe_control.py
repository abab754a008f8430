"""What happens at the pretended Stripe, on demand: payments, refunds, disputes, and their events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from deploy.simulator.loopback import on_loopback
from deploy.simulator.stripe_book import Document, StripeProblem
from deploy.simulator.stripe_events import DEFAULT_SECRET, Faults
from deploy.simulator.world import WORLD, World


class Act(BaseModel):
    """The body of every control call; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: StrictInt | None = Field(default=None, ge=1)
    """Cents, other than what was asked for or is left."""
    outcome: str | None = None
    """Of a payment `later`, and then `succeeded` or `failed`; of a dispute `won` or `lost`."""
    status: str | None = None
    """Of a new refund or dispute."""
    reverse: StrictBool = False
    faults: Faults = Faults()


class Hook(BaseModel):
    """Where events go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    secret: str = DEFAULT_SECRET


def pay(world: World, session: Document, faults: Faults, amount: int | None = None) -> list[Document]:
    """Pay at once; gives the events."""
    world.stripe.complete(session, paid=False)
    charge = world.stripe.charge(session, amount)
    completed = ("checkout.session.completed", session)
    return world.stripe_events.tell(faults, ("charge.succeeded", charge), completed)


def _pay(world: World, session_id: str, act: Act) -> Any:
    book, events = world.stripe, world.stripe_events
    session = book.session(session_id)
    if act.outcome is None:
        return pay(world, session, act.faults, act.amount)
    if act.outcome == "later":
        book.complete(session, paid=False)
        return events.tell(act.faults, ("checkout.session.completed", session))
    if act.outcome == "failed":
        return events.tell(act.faults, ("checkout.session.async_payment_failed", session))
    charge = book.charge(session, act.amount)
    succeeded = ("checkout.session.async_payment_succeeded", session)
    return events.tell(act.faults, ("charge.succeeded", charge), succeeded)


def _expire(world: World, session_id: str, act: Act) -> Any:
    session = world.stripe.session(session_id)
    session |= {"status": "expired", "url": None}
    return world.stripe_events.tell(act.faults, ("checkout.session.expired", session))


def _refund(world: World, payment: str, act: Act) -> Any:
    refund = world.stripe.refund(payment, act.amount, act.status or "succeeded")
    charge = world.stripe.charge_of(payment)
    return world.stripe_events.tell(act.faults, ("refund.created", refund), ("charge.refunded", charge))


def _fail_refund(world: World, refund_id: str, act: Act) -> Any:
    refund = world.stripe.fail_refund(refund_id)
    return world.stripe_events.tell(act.faults, ("refund.updated", refund), ("refund.failed", refund))


def _dispute(world: World, payment: str, act: Act) -> Any:
    dispute = world.stripe.dispute(payment, act.amount, act.status or "needs_response")
    told = [("charge.dispute.created", dispute)]
    if not dispute["status"].startswith("warning"):
        told.append(("charge.dispute.funds_withdrawn", dispute))
    return world.stripe_events.tell(act.faults, *told)


def _close_dispute(world: World, dispute_id: str, act: Act) -> Any:
    dispute = world.stripe.close_dispute(dispute_id, act.outcome or "lost")
    told = [("charge.dispute.closed", dispute)]
    if dispute["status"] == "won":
        told.insert(0, ("charge.dispute.funds_reinstated", dispute))
    return world.stripe_events.tell(act.faults, *told)


def _release(world: World, _: str, act: Act) -> Any:
    return world.stripe_events.release(reverse=act.reverse)


def _acting(act: Callable[[World, str, Act], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            asked = Act.model_validate_json(await request.read() or b"{}")
            done = act(request.app[WORLD], request.match_info.get("id", ""), asked)
        except ValidationError as error:
            return _json({"error": str(error)}, 400)
        except StripeProblem as problem:
            return _json({"error": problem.message}, problem.status)
        return _json({"events": done})

    return answer


async def _put_hook(request: web.Request) -> web.Response:
    try:
        hook = Hook.model_validate_json(await request.read())
    except ValidationError as error:
        return _json({"error": str(error)}, 400)
    if not on_loopback(hook.url):
        return _json({"error": "url: only addresses of this machine are called"}, 400)
    events = request.app[WORLD].stripe_events
    events.url, events.secret = hook.url, hook.secret
    return _json({"url": hook.url})


async def _get_sent(request: web.Request) -> web.Response:
    return _json({"sent": request.app[WORLD].stripe_events.sent})


def _json(document: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


ROUTES = (
    web.put("/_sim/stripe/hook", _put_hook),
    web.get("/_sim/stripe/events", _get_sent),
    web.post("/_sim/stripe/release", _acting(_release)),
    web.post("/_sim/stripe/pay/{id}", _acting(_pay)),
    web.post("/_sim/stripe/expire/{id}", _acting(_expire)),
    web.post("/_sim/stripe/refund/{id}", _acting(_refund)),
    web.post("/_sim/stripe/fail_refund/{id}", _acting(_fail_refund)),
    web.post("/_sim/stripe/dispute/{id}", _acting(_dispute)),
    web.post("/_sim/stripe/close_dispute/{id}", _acting(_close_dispute)),
)
