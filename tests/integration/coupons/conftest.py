"""A shop on a database of its own."""

from __future__ import annotations

import pytest

from shared.ledger.chain import Ledger
from shared.mongo import Database
from tests.integration.conftest import ToolsOf
from tests.integration.coupons.building import Shop
from tests.unit.building import StillClock


@pytest.fixture
def shop(database: Database, ledger: Ledger, tools_of: ToolsOf, clock: StillClock) -> Shop:
    return Shop(database, ledger, tools_of, clock)
