"""The five services as processes, with a database and a vhost of their own on shared servers."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient
from yarl import URL

from deploy.local.servers import Servers
from deploy.local.settings import SIMULATED
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.clock import DatabaseClock
from shared.ids import Prefix, new_id
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import topup
from shared.money import nano_from_usd
from shared.mongo import connect, ensure_indexes
from shared.secrets import SecretBox
from shared.settings import Settings
from shared.tasks.model import Task
from shared.waiting import cancel
from tests.harness.client import Customer
from tests.harness.ports import free_port
from tests.harness.process import Program

ROLES = ("api", "router", "worker", "billing", "notifier")
CATALOG = Path(__file__).parents[2] / "deploy" / "catalog.yaml"


class Stack:
    """Start and stop services at will; make customers; look into the database."""

    def __init__(
        self, servers: Servers, simulator_url: str, folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.servers = servers
        self.simulator_url = simulator_url
        self.port = free_port()
        self._folder = folder
        self._extra = settings or {}
        self._programs: defaultdict[str, list[Program]] = defaultdict(list)
        self._started = 0
        self.mongo: AsyncMongoClient = connect(servers.mongo_url)
        self.database = self.mongo[self.name]
        self.clock = DatabaseClock()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def amqp_url(self) -> str:
        return str(URL(self.servers.amqp_url).with_path(f"/{self.name}"))

    def env(self) -> dict[str, str]:
        s3 = self.servers.s3
        return {
            "HATCHERY_MONGO_URL": self.servers.mongo_url,
            "HATCHERY_MONGO_DATABASE": self.name,
            "HATCHERY_AMQP_URL": self.amqp_url,
            "HATCHERY_S3__ENDPOINT": s3.endpoint,
            "HATCHERY_S3__BUCKET": s3.bucket,
            "HATCHERY_S3__ACCESS_KEY": s3.access_key,
            "HATCHERY_S3__SECRET_KEY": s3.secret_key,
            "HATCHERY_KEY_PEPPER": "pepper-of-the-tests",
            "HATCHERY_SECRETS_KEY": base64.b64encode(bytes(range(32))).decode(),
            "HATCHERY_CATALOG": str(CATALOG),
            **_providers(self.simulator_url),
            "HATCHERY_LOCAL_DEVELOPMENT": "true",
            "HATCHERY_PUBLIC_URL": self.api_url,
            "HATCHERY_PORT": str(self.port),
            **self._extra,
        }

    def settings(self) -> Settings:
        """What the services read, for parts that a test builds itself."""
        return _settings(self.env())

    async def open(self) -> None:
        """Make the vhost and the indexes."""
        await self.make_vhost()
        await self.clock.read(self.mongo)
        await ensure_indexes(self.database)

    async def make_vhost(self) -> None:
        management = URL(self.servers.amqp_management_url)
        async with httpx.AsyncClient(auth=(management.user or "", management.password or "")) as client:
            base = str(management.with_user(None)).rstrip("/")
            (await client.put(f"{base}/api/vhosts/{self.name}")).raise_for_status()
            rights = {"configure": ".*", "write": ".*", "read": ".*"}
            answer = await client.put(f"{base}/api/permissions/{self.name}/{management.user}", json=rights)
            answer.raise_for_status()

    async def close(self) -> None:
        await asyncio.gather(
            *(program.stop() for programs in self._programs.values() for program in programs)
        )
        await self.mongo.drop_database(self.name)
        await self.mongo.close()

    def of(self, role: str) -> list[Program]:
        """The running processes of a service."""
        self._programs[role] = [program for program in self._programs[role] if program.alive]
        return self._programs[role]

    async def start(self, *roles: str, count: int = 1, env: Mapping[str, str] | None = None) -> list[Program]:
        """Start processes of these services and wait until they are ready."""
        programs = []
        for role in roles or ROLES:
            for _ in range(count):
                self._started += 1
                ops_port = str(free_port())
                program = Program(
                    f"{role}-{self._started}",
                    "services.cli.main",
                    ["run", role],
                    {**self.env(), "HATCHERY_OPS_PORT": ops_port, "OPS_PORT": ops_port, **(env or {})},
                    self._folder / f"{self.name}-{role}-{self._started}.log",
                )
                await program.start()
                self._programs[role].append(program)
                programs.append((program, ops_port))
        await asyncio.gather(*(_until_ready(program, port) for program, port in programs))
        return [program for program, _ in programs]

    async def stop(self, role: str) -> None:
        await asyncio.gather(*(program.stop() for program in self.of(role)))

    async def kill(self, role: str) -> None:
        await asyncio.gather(*(program.kill() for program in self.of(role)))

    async def customer(self, usd: str = "100", email: str | None = None) -> Customer:
        """A new account with money and a key."""
        settings = self.settings()
        accounts = Accounts(self.database, self.clock, SecretBox(settings.secrets_key.get_secret_value()))
        account, secret = await accounts.create(email or f"{uuid.uuid4().hex}@example.org")
        if nano_from_usd(usd):
            await self.top_up(account.id, usd)
        key_id, key = await Keys(self.database, self.clock, settings.key_pepper).create(account.id)
        return Customer(self.api_url, account.id, key_id, key, secret)

    async def top_up(self, account_id: str, usd: str) -> None:
        entry = topup(new_id(Prefix.TOPUP), nano_from_usd(usd), {"actor": "test"})
        await self.ledger().append({account_id: [entry]})

    async def announce_revocation(self, key_id: str) -> None:
        publisher = Publisher(self.amqp_url, "test")
        running = asyncio.create_task(publisher.run(), name="publisher")
        await publisher.wait_connected(10)
        assert await publisher.publish([Event(EventType.KEY_REVOKED, (key_id,))])
        await cancel(running)

    def ledger(self) -> Ledger:
        return Ledger(self.database, self.clock)

    async def stored(self, task_id: str) -> Task:
        """The task as the database has it, with what customers do not see."""
        document = await self.database["tasks"].find_one({"_id": task_id})
        assert document is not None, task_id
        return Task.model_validate(document)

    async def balance(self, customer: Customer) -> Balance:
        return (await self.ledger().balances([customer.account_id]))[customer.account_id]

    async def hatchery(self, *arguments: str) -> Any:
        """What the command answers with `--json`."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli.main", *arguments, "--json"),
            env={"PATH": os.environ["PATH"], **self.env()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    def logs(self) -> str:
        """Everything the services have written."""
        return "\n".join(path.read_text(errors="replace") for path in self._folder.glob(f"{self.name}-*.log"))


def _providers(simulator_url: str) -> dict[str, str]:
    """One key for each provider and for Stripe, and the addresses at which the simulator plays them."""
    env = {}
    for name, path in SIMULATED.items():
        prefix = f"HATCHERY_PROVIDERS__{name.upper()}__"
        env |= {f"{prefix}KEYS": '["sim-key"]', f"{prefix}BASE_URL": f"{simulator_url}{path}"}
    stripe = {"SECRET_KEY": "sk_test_sim", "BASE_URL": f"{simulator_url}/stripe"}
    return env | {f"HATCHERY_STRIPE__{name}": value for name, value in stripe.items()}


def _settings(env: Mapping[str, str]) -> Settings:
    before = dict(os.environ)
    os.environ.update(env)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _until_ready(program: Program, ops_port: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while program.alive:
            try:
                if (await client.get(f"http://127.0.0.1:{ops_port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    if not program.armed:
        raise AssertionError(f"{program.name} ended at once; its log: {program.tail()}")
