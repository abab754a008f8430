"""The page for people and the texts for language models."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest_asyncio
from fastapi import FastAPI

from services.api.middleware import RequestFrame
from services.api.reference.model import Dialect
from services.api.reference.openapi import Document
from tests.contract.reference.conftest import SERVER_URL, built

VOID = {"meta", "link"}


class Reader(HTMLParser):
    """What a page asks the browser to fetch, to link to and to run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.inline: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "link", "img"}:
            self.fetched.append(facts.get("src") or facts.get("href") or "")
        if facts.get("id"):
            assert facts["id"] not in self.ids
            self.ids.add(facts["id"] or "")
        href = facts.get("href") or ""
        if href.startswith("#"):
            self.anchors.add(href[1:])
        self.inline += [name for name in facts if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.inline.append(data)


@pytest_asyncio.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(RequestFrame(app))
    async with httpx.AsyncClient(transport=transport, base_url=SERVER_URL) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def page(client: httpx.AsyncClient) -> str:
    answer = await client.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text


async def test_the_page_is_well_formed_and_fetches_only_its_own_files(
    page: str, client: httpx.AsyncClient
) -> None:
    reader = Reader(page)
    assert reader.open == []
    assert reader.fetched == ["/docs/page.css", "/docs/page.js"]
    assert reader.inline == []
    for path, media_type in zip(reader.fetched, ("text/css", "text/javascript"), strict=True):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media_type)
        assert not re.search(r"https?://|@import|url\(", answer.text)


def test_every_link_within_the_page_leads_somewhere(page: str) -> None:
    reader = Reader(page)
    assert reader.anchors
    assert reader.anchors <= reader.ids


async def test_the_browser_is_told_to_run_nothing_else(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/docs")).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_page_and_text_name_every_endpoint(
    page: str, client: httpx.AsyncClient, dialects: dict[str, Dialect]
) -> None:
    short, full = [(await client.get(path)).text for path in ("/llms.txt", "/llms-full.txt")]
    for dialect in dialects.values():
        for operation in dialect.operations:
            assert f'id="{dialect.name}-{operation.name}"' in page
            assert f"`{operation.method} {operation.path}`" in short
            assert f"### {operation.method} {operation.path}\n" in full
    assert short.startswith("# Hatchery\n\n> ")


async def test_documents_are_served_with_the_address_of_the_installation(
    client: httpx.AsyncClient, documents: dict[str, Document]
) -> None:
    for name, document in documents.items():
        answer = await client.get(f"/openapi/{name}.json")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["servers"] == [{"url": SERVER_URL}]
        assert answer.json()["paths"] == document["paths"]


async def test_an_unknown_document_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi/other.json")).status_code == 404


async def test_who_has_the_page_already_is_told_so(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/docs")).headers["etag"]
    again = await client.get("/docs", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_reference_can_be_turned_off() -> None:
    async with built(HATCHERY_DOCS_ENABLED="false") as app:
        transport = httpx.ASGITransport(RequestFrame(app))
        async with httpx.AsyncClient(transport=transport, base_url=SERVER_URL) as client:
            for path in ("/docs", "/openapi/eggapi.json", "/llms.txt", "/docs/page.css"):
                assert (await client.get(path)).status_code == 404
