"""The bench's own accounts, made as the command line makes them, with money for everything."""

from __future__ import annotations

from deploy.bench.messages import Customer
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.ledger.chain import Ledger
from shared.ledger.entry import topup
from shared.money import nano_from_usd
from shared.mongo import Database
from shared.secrets import SecretBox
from shared.settings import Settings

USD_PER_TASK = 1
"""Far more than a picture costs, so that no request is refused for want of money."""
MOST_REQUESTS_PER_MINUTE = 60_000_000
"""Requests are counted as for anybody, and never refused."""


async def make_customers(
    database: Database, clock: Clock, settings: Settings, *, count: int, tasks: int
) -> list[Customer]:
    """New accounts with a key each; every one could pay for all the tasks."""
    accounts = Accounts(database, clock, SecretBox(settings.secrets_key.get_secret_value()))
    keys = Keys(database, clock, settings.key_pepper)
    money = nano_from_usd(str(USD_PER_TASK * tasks))
    customers = []
    for number in range(count):
        account, _ = await accounts.create(f"{new_id(Prefix.TOPUP)}-{number}@bench.example.org")
        _, key = await keys.create(account.id, "bench", requests_per_minute=MOST_REQUESTS_PER_MINUTE)
        customers.append(Customer(account_id=account.id, api_key=key))
    entries = {
        customer.account_id: [topup(new_id(Prefix.TOPUP), money, {"actor": "bench"})]
        for customer in customers
    }
    await Ledger(database, clock).append(entries)
    return customers
