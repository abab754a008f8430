"""What the uses of coupons are in the ledger: chains of their own, whose unit is one use. Pure.

`coupon:<code>` counts the uses by everybody, `coupon:<code>:<account>` those by one account. A chain begins
with its budget. A use is held while its task goes on, captured when the task is completed and otherwise given
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.ledger.chains import COUPONS, coupon_chain, coupon_chain_of
from shared.ledger.entry import Entry, EntryKind

UNLIMITED_USES: Final = 1_000_000_000_000
"""The budget of a coupon without a limit: more than can ever be used."""


def budget(chain: str, uses: int | None) -> Entry:
    """How often the coupon may be used in all, on this chain."""
    return Entry(f"budget:{_name(chain)}", EntryKind.TOPUP, UNLIMITED_USES if uses is None else uses)


def use(chain: str, task_id: str) -> Entry:
    """Set one use aside for a task."""
    return Entry(use_op(chain, task_id), EntryKind.HOLD, 1, task_id=task_id)


def use_op(chain: str, task_id: str) -> str:
    """What names the use of a task on a chain for ever."""
    return f"{COUPONS}{_name(chain)}:{task_id}"


def use_ended(chain: str, task_id: str, completed: bool) -> Entry:
    """The task is over: it has used the coupon, or it has not."""
    return Entry(f"coupon-end:{_name(chain)}:{task_id}", EntryKind.END, int(completed), 1, task_id)


def uses_ended(code: str, account_id: str, task_id: str, completed: bool) -> dict[str, Entry]:
    """The ends of both uses of a task, by chain."""
    chains = (coupon_chain_of(code, account_id), coupon_chain(code))
    return {chain: use_ended(chain, task_id, completed) for chain in chains}


def open_uses(block: Mapping[str, Any], ended: set[str]) -> list[str]:
    """The tasks whose use a block takes and nothing later ends. The chain is read from its tail backwards.

    `ended` are the tasks whose use has been seen to end; those of this block join them.
    """
    open_tasks = []
    for entry in reversed(block["entries"]):
        if entry["kind"] == EntryKind.END:
            ended.add(entry["task_id"])
        elif entry["kind"] == EntryKind.HOLD and entry["task_id"] not in ended:
            open_tasks.append(entry["task_id"])
    return open_tasks


def _name(chain: str) -> str:
    return chain.removeprefix(COUPONS)
