"""Generated files in a real bucket."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator

import aioboto3
import pytest
from pydantic import SecretStr

from deploy.local.servers import Servers
from shared.files import PART_BYTES, FileMissing, Files, StorageUnavailable
from shared.settings import S3Settings
from shared.waiting import cancel
from tests.harness.ports import free_port


def settings_of(servers: Servers, **changes: str) -> S3Settings:
    s3 = servers.s3
    facts = {
        "endpoint": s3.endpoint,
        "bucket": s3.bucket,
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
    }
    changed = {**facts, **changes}
    return S3Settings(
        endpoint=changed["endpoint"],
        bucket=changed["bucket"],
        access_key=SecretStr(changed["access_key"]),
        secret_key=SecretStr(changed["secret_key"]),
    )


@pytest.fixture
async def files(servers: Servers) -> AsyncIterator[Files]:
    async with Files(settings_of(servers)) as opened:
        yield opened


@pytest.fixture
def key() -> str:
    return f"images/{uuid.uuid4().hex}/0.png"


async def content(files: Files, key: str) -> bytes:
    async with files.read(key) as stored:
        return b"".join([chunk async for chunk in stored.chunks])


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_a_file_comes_back_as_it_was_put(files: Files, key: str, size: int) -> None:
    data = os.urandom(size)
    await files.put(key, data, "image/png")

    async with files.read(key) as stored:
        assert (stored.size, stored.content_type) == (size, "image/png")
        assert stored.etag
        assert b"".join([chunk async for chunk in stored.chunks]) == data
    assert await files.describe(key) == (size, "image/png")


async def test_putting_the_same_key_again_replaces_the_file(files: Files, key: str) -> None:
    await files.put(key, b"first", "image/png")
    await files.put(key, b"second", "image/webp")

    assert await content(files, key) == b"second"
    assert await files.describe(key) == (6, "image/webp")


async def test_a_file_that_is_not_there_is_missing(files: Files, key: str) -> None:
    with pytest.raises(FileMissing):
        await content(files, key)
    assert await files.describe(key) is None


async def test_a_half_read_file_leaves_the_connection_usable(files: Files, key: str) -> None:
    await files.put(key, os.urandom(1_000_000), "image/png")
    for _ in range(3):
        async with files.read(key) as stored:
            assert await anext(stored.chunks)

    assert len(await content(files, key)) == 1_000_000


async def test_a_storage_that_does_not_answer_is_unavailable(servers: Servers, key: str) -> None:
    away = settings_of(servers, endpoint=f"http://127.0.0.1:{free_port()}")
    async with Files(away) as files:
        with pytest.raises(StorageUnavailable):
            await files.put(key, b"x", "image/png")
        with pytest.raises(StorageUnavailable):
            await content(files, key)
        with pytest.raises(StorageUnavailable):
            await files.describe(key)


async def test_refused_credentials_are_unavailability_and_no_missing_file(servers: Servers, key: str) -> None:
    async with Files(settings_of(servers, secret_key="wrong")) as files:
        with pytest.raises(StorageUnavailable):
            await files.put(key, b"x", "image/png")
        with pytest.raises(StorageUnavailable):
            await content(files, key)


async def pieces(data: bytes, size: int = 700_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def unfinished_uploads(servers: Servers, key: str) -> int:
    """How many multipart uploads of this key lie about."""
    s3 = servers.s3
    session = aioboto3.Session()
    async with session.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name="auto",
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
    ) as client:
        answer = await client.list_multipart_uploads(Bucket=s3.bucket, Prefix=key)
    return sum(upload["Key"] == key for upload in answer.get("Uploads", []))


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 123_457])
async def test_a_stream_of_any_length_comes_back_as_it_was_put(files: Files, key: str, size: int) -> None:
    data = os.urandom(size)

    assert await files.put_stream(key, pieces(data), "video/mp4") == size
    assert await files.describe(key) == (size, "video/mp4")
    assert await content(files, key) == data


async def test_a_piece_larger_than_several_parts_is_divided(files: Files, key: str) -> None:
    data = os.urandom(2 * PART_BYTES + 5)
    await files.put_stream(key, pieces(data, len(data)), "video/mp4")

    assert await content(files, key) == data


class Interruption(Exception):
    """Something in the middle."""


@pytest.mark.parametrize("sent", [0, 1_000, PART_BYTES + 1_000])
async def test_a_stream_that_breaks_leaves_neither_a_file_nor_parts(
    servers: Servers, files: Files, key: str, sent: int
) -> None:
    lying_about: list[int] = []

    async def breaking() -> AsyncIterator[bytes]:
        async for piece in pieces(bytes(sent)):
            yield piece
        lying_about.append(await unfinished_uploads(servers, key))
        raise Interruption

    with pytest.raises(Interruption):
        await files.put_stream(key, breaking(), "video/mp4")
    assert await files.describe(key) is None
    assert (lying_about, await unfinished_uploads(servers, key)) == ([1], 0)


async def test_a_stream_that_is_cancelled_leaves_neither_a_file_nor_parts(
    servers: Servers, files: Files, key: str
) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(PART_BYTES + 1_000)
        reached.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(files.put_stream(key, endless(), "video/mp4"))
    await reached.wait()
    assert await unfinished_uploads(servers, key) == 1
    await cancel(putting)

    assert putting.cancelled()
    assert await files.describe(key) is None
    assert await unfinished_uploads(servers, key) == 0


async def test_a_broken_stream_leaves_the_file_of_that_name_as_it_was(files: Files, key: str) -> None:
    await files.put(key, b"first", "video/mp4")

    async def breaking() -> AsyncIterator[bytes]:
        yield b"second"
        raise Interruption

    with pytest.raises(Interruption):
        await files.put_stream(key, breaking(), "video/mp4")
    assert await content(files, key) == b"first"


async def test_a_storage_that_is_away_takes_no_stream(servers: Servers, key: str) -> None:
    async with Files(settings_of(servers, endpoint=f"http://127.0.0.1:{free_port()}")) as files:
        with pytest.raises(StorageUnavailable):
            await files.put_stream(key, pieces(b"x"), "video/mp4")
