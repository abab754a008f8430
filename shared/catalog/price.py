"""What a request costs. Pure; the quote is the snapshot that the task keeps."""

from __future__ import annotations

from shared.catalog.model import ModelEntry
from shared.money import nano_from_usd
from shared.tasks.model import Quote, TaskRequest


def quote(model: ModelEntry, request: TaskRequest) -> Quote:
    """The most a request may cost, and the price of one unit."""
    text = model.price.by_resolution.get(request.resolution or "", model.price.usd)
    unit_nano = nano_from_usd(text)
    return Quote(
        unit=model.price.per,
        unit_nano=unit_nano,
        units=request.num_outputs,
        hold_nano=unit_nano * request.num_outputs,
    )


def charge(held: Quote, delivered: int) -> int:
    """What `delivered` units cost in nano-USD: never more than was held."""
    return min(held.unit_nano * delivered, held.hold_nano)
