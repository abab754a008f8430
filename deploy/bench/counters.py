"""What the servers count themselves: MongoDB's operations and the services' messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from shared.mongo import Database

LIMIT = aiohttp.ClientTimeout(total=10)
PUBLISHED = "hatchery_events_published_total"
SWEPT = "hatchery_tasks_swept_total"
DELIVERIES = "hatchery_delivery_attempts_total"
OPERATIONS = ("insert", "query", "update", "delete", "getmore", "command")
DOCUMENTS = ("inserted", "updated", "deleted", "returned")


@dataclass(frozen=True)
class Counts:
    """Totals since the servers' start."""

    operations: dict[str, float]
    documents: dict[str, float]
    published: float
    swept: float
    delivered: float


async def read_counts(database: Database, ops_urls: Mapping[str, list[str]]) -> Counts:
    """Of MongoDB and of every service process."""
    status = await database.client.admin.command("serverStatus", repl=0)
    samples = await _samples(ops_urls)
    return Counts(
        operations={name: float(status["opcounters"][name]) for name in OPERATIONS},
        documents={name: float(status["metrics"]["document"][name]) for name in DOCUMENTS},
        published=_sum(samples, PUBLISHED),
        swept=_sum(samples, SWEPT),
        delivered=_sum(samples, DELIVERIES, outcome="delivered"),
    )


async def read_delivered(ops_urls: Mapping[str, list[str]]) -> float:
    """Webhooks delivered since the notifiers' start."""
    return _sum(await _samples({"notifier": ops_urls["notifier"]}), DELIVERIES, outcome="delivered")


async def _samples(ops_urls: Mapping[str, list[str]]) -> list[Sample]:
    urls = [url for members in ops_urls.values() for url in members]
    async with aiohttp.ClientSession(timeout=LIMIT, raise_for_status=True) as session:
        pages = await asyncio.gather(*(_page(session, url) for url in urls))
    return [
        sample
        for page in pages
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


async def _page(session: aiohttp.ClientSession, ops_url: str) -> str:
    async with session.get(f"{ops_url}/metrics") as response:
        return await response.text()


def _sum(samples: Iterable[Sample], name: str, **labels: str) -> float:
    return sum(
        sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()
    )


def mongo_per_task(
    before: Counts, after: Counts, tasks: int, own_queries: int, own_documents: int
) -> dict[str, float]:
    """Operations and documents without those of the bench itself."""
    operations = {name: after.operations[name] - before.operations[name] for name in OPERATIONS}
    operations["query"] -= own_queries
    documents = {name: after.documents[name] - before.documents[name] for name in DOCUMENTS}
    documents["returned"] -= own_documents
    counts = operations | {"total": sum(operations.values())}
    counts |= {f"documents_{name}": count for name, count in documents.items()}
    return {name: round(count / tasks, 3) for name, count in counts.items()}
