"""Where a delivery stands."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """The last two are final, unless somebody asks for another round of attempts."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"
