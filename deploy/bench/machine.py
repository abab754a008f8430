"""The facts without which a number says nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import aiohttp
import psutil
from yarl import URL

from deploy.bench.target import Target
from shared.mongo import Database

LIMIT = aiohttp.ClientTimeout(total=10)


async def machine_facts(database: Database, target: Target) -> dict[str, str | int | float]:
    """Processor, memory, system and the versions that matter."""
    url = URL(target.amqp_management_url)
    login = aiohttp.encode_basic_auth(url.user or "", url.password or "")
    async with (
        aiohttp.ClientSession(timeout=LIMIT, raise_for_status=True) as session,
        session.get(url.with_user(None) / "api/overview", headers={"Authorization": login}) as response,
    ):
        broker = await response.json()
    return {
        **await database_facts(database),
        "rabbitmq": broker["rabbitmq_version"],
        "erlang": broker["erlang_version"],
    }


async def database_facts(database: Database) -> dict[str, str | int | float]:
    """The same where there is no broker."""
    build = await database.client.admin.command("buildInfo")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "mongodb": build["version"],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
