"""`hatchery webhook`: deliveries, and a receiver for people who build one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from standardwebhooks.webhooks import EmptyWebhookSecretError

from services.cli.attempts import parse_since
from services.cli.context import AsJson, StateDir, act, fail, show_json
from services.cli.listen import listen
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.mongo import Document
from shared.runtime import Platform
from shared.secrets import SecretBox
from shared.webhooks.deliveries import DeliveryFilter, DeliveryLog, UnknownDelivery
from shared.webhooks.secrets import LONGEST_OVERLAP
from shared.webhooks.states import DeliveryState

webhook_app = typer.Typer(help="Webhooks: what was sent and what came of it.", no_args_is_help=True)

Overlap = Annotated[str, typer.Option(help="How long the old secret stays valid: 90m, 24h, 7d; 0 for not.")]


@webhook_app.command("deliveries")
def list_deliveries(
    account_id: str,
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.")] = None,
    task: Annotated[str | None, typer.Option(help="Only of this task.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=1000)] = 50,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show an account's deliveries, newest first."""

    async def work(platform: Platform) -> list[Document]:
        account = await _accounts(platform).get(account_id)
        where = DeliveryFilter(endpoint_id=endpoint, state=state, task_id=task)
        return await DeliveryLog(platform.database, platform.clock).page(account.id, where, None, limit)

    found = act(state_dir, work)
    if json:
        show_json({"deliveries": [_row(one) for one in found]})
        return
    table = Table(box=None)
    for column in ("delivery", "event", "to", "state", "attempts", "last"):
        table.add_column(column, no_wrap=True)
    for row in map(_row, found):
        to = row["endpoint_id"] or "callback"
        table.add_row(row["id"], row["event"], to, row["state"], str(row["attempts"]), row["last"])
    Console().print(table if found else "no deliveries")


@webhook_app.command("show")
def show_delivery(delivery_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Show a delivery with its payload and attempts."""

    async def work(platform: Platform) -> Document:
        return await _find(platform, delivery_id)

    found = act(state_dir, work)
    payload = bytes(found["body"]).decode()
    if json:
        show_json({**_row(found), "payload": payload, "attempts": found["attempts"]})
        return
    console, row = Console(), _row(found)
    console.print("\n".join(f"{name:<12} {row[name]}" for name in ("id", "event", "url", "state")))
    for one in found["attempts"]:
        outcome = one["error"] or "delivered"
        told = f"{one['number']:>3}  {one['at']:%Y-%m-%d %H:%M:%S}  {one['duration_ms']} ms  {outcome}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    console.print(payload, markup=False, highlight=False, soft_wrap=True)


@webhook_app.command("redeliver")
def redeliver(delivery_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Attempt a delivery again, at once, with the same id and bytes."""

    async def work(platform: Platform) -> Document:
        found = await _find(platform, delivery_id)
        return await DeliveryLog(platform.database, platform.clock).redeliver(
            found["account_id"], delivery_id
        )

    found = act(state_dir, work)
    if json:
        show_json(_row(found))
        return
    Console().print(f"{delivery_id} will be attempted again")


@webhook_app.command("listen")
def listen_here(
    secret: Annotated[
        str,
        typer.Option(help="The webhook secret, as it was shown: whsec_…", envvar="HATCHERY_WEBHOOK_SECRET"),
    ],
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 for any.", min=0, max=65535)] = 8787,
) -> None:
    """Receive webhooks on this machine and print those whose signature is right. Ends with Ctrl-C."""
    try:
        asyncio.run(listen(secret, port, Console(soft_wrap=True, markup=False, highlight=False)))
    except (ValueError, EmptyWebhookSecretError):
        fail("--secret is whsec_ and base64, as it was shown")
    except OSError as error:
        fail(f"port {port} cannot be listened on: {error.strerror}")
    except KeyboardInterrupt:
        raise typer.Exit from None


def rotate_account_secret(
    account_id: str, overlap: Overlap = "24h", state_dir: StateDir = None, json: AsJson = False
) -> None:
    """Replace an account's webhook secret; the new one is shown once."""
    lasting = parse_overlap(overlap)

    async def work(platform: Platform) -> str:
        return await _accounts(platform).rotate_webhook_secret(account_id, lasting)

    _show_secret("account_id", account_id, act(state_dir, work), json)


def rotate_key_secret(
    key_id: str, overlap: Overlap = "24h", state_dir: StateDir = None, json: AsJson = False
) -> None:
    """Replace the webhook secret of an API key; the new one is shown once."""
    lasting = parse_overlap(overlap)

    async def work(platform: Platform) -> str:
        box = _box(platform)
        keys = Keys(platform.database, platform.clock, platform.settings.key_pepper, box)
        return await keys.rotate_webhook_secret(key_id, lasting, box)

    _show_secret("key_id", key_id, act(state_dir, work), json)


def parse_overlap(text: str) -> timedelta:
    """`0`, or a span of at most seven days; else the command ends."""
    overlap = timedelta(0) if text == "0" else parse_since(text)
    if overlap is None or overlap > LONGEST_OVERLAP:
        fail("--overlap is 0 or a span of at most 7d, such as 24h")
    return overlap


def _show_secret(name: str, owner: str, secret: str, json: bool) -> None:
    if json:
        show_json({name: owner, "webhook_secret": secret})
        return
    Console().print(f"webhook secret  {secret}\nKeep it: it cannot be shown again.")


async def _find(platform: Platform, delivery_id: str) -> Document:
    found = await platform.database["deliveries"].find_one({"_id": delivery_id})
    if found is None:
        raise UnknownDelivery(f"There is no delivery {delivery_id}.")
    return found


def _row(document: Document) -> dict[str, Any]:
    attempts = document["attempts"]
    last = (attempts[-1]["error"] or str(attempts[-1]["status"])) if attempts else ""
    return {
        "id": document["_id"],
        "event": document["event"],
        "task_id": document.get("task_id"),
        "endpoint_id": document.get("endpoint_id"),
        "url": document["url"],
        "state": document["state"],
        "attempts": len(attempts),
        "last": last,
        "created_at": document["created_at"],
    }


def _accounts(platform: Platform) -> Accounts:
    return Accounts(platform.database, platform.clock, _box(platform))


def _box(platform: Platform) -> SecretBox:
    return SecretBox(platform.settings.secrets_key.get_secret_value())
