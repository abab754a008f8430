"""What the endpoints of all dialects are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.api.admission import Admission
from services.api.coupons import CouponReader
from services.api.idempotency import Idempotency
from services.api.rate_limit import RateLimits
from services.api.strangers import Addresses
from services.api.submit import Submissions
from services.api.tasks import TaskReader
from services.api.text.calls import TextCalls
from services.api.text.orders import TextOrders
from services.api.waiting import Bell, Waiting
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.files import Files
from shared.http import EgressPolicy
from shared.ledger.chain import Ledger
from shared.ledger.statement import Statements
from shared.ledger.usage import UsageFold

FileUrl = Callable[[str], str]
"""The public address of a stored file's key."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Built once, in `app`; endpoints take what they need."""

    admit: Admission
    addresses: Addresses
    limits: RateLimits
    submissions: Submissions
    idempotency: Idempotency
    coupons: CouponReader
    tasks: TaskReader
    bell: Bell
    waiting: Waiting
    ledger: Ledger
    usage: UsageFold
    statements: Statements
    catalog: Catalog
    egress: EgressPolicy
    files: Files
    file_url: FileUrl
    text: TextCalls
    orders: TextOrders
    clock: Clock
