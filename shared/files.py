"""Generated files in S3. The one module that knows aioboto3 and botocore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aioboto3
import aiohttp
import structlog
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from yarl import URL

from shared.errors import HatcheryError
from shared.settings import S3Settings

log = structlog.get_logger()

_CHUNK_BYTES = 64 * 1024
PART_BYTES = 8 * 1024 * 1024
"""S3 takes parts from 5 MiB, and 10,000 of them: files of up to 80 GB."""
_MISSING_CODES = frozenset({"NoSuchKey", "404", "NoSuchBucket"})

_RANGE_CODES = frozenset({"InvalidRange", "416"})


class StorageUnavailable(HatcheryError):
    """The file storage cannot be reached at the moment. Try again shortly."""

    code, status, retry_after_seconds = "service_unavailable", 503, 5


class StorageRefused(OSError):
    """The storage answered, and did not take the file."""


class FileMissing(HatcheryError):
    """There is no such file."""

    code, status = "not_found", 404


class RangeUnsatisfiable(HatcheryError):
    """The file does not have the bytes asked for."""

    code, status = "range_unsatisfiable", 416


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, or a part of it, being read: size of what comes, type, and the bytes as they come."""

    size: int
    content_type: str
    etag: str
    chunks: AsyncIterator[bytes]
    content_range: str | None = None
    """Which part it is, as HTTP says it: `bytes 0-99/2000`; None: the whole."""


class Files:
    """One bucket. Use as an async context manager."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._http: aiohttp.ClientSession
        self._signer = S3SigV4Auth(
            Credentials(settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()),
            "s3",
            settings.region,
        )

    async def __aenter__(self) -> Files:
        settings = self._settings
        timeout = aiohttp.ClientTimeout(total=60, sock_connect=3)
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        )
        self._client = await self._stack.enter_async_context(
            aioboto3.Session().client(
                "s3",
                endpoint_url=settings.endpoint,
                region_name=settings.region,
                aws_access_key_id=settings.access_key.get_secret_value(),
                aws_secret_access_key=settings.secret_key.get_secret_value(),
                config=Config(
                    signature_version="s3v4",
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    connect_timeout=3,
                    read_timeout=20,
                    retries={"max_attempts": 2},
                    max_pool_connections=64,
                    # The default computes a second digest of every body.
                    parameter_validation=False,
                ),
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a file; the same key again replaces it. Raises StorageUnavailable.

        Signed by botocore and sent by aiohttp: the client's own `put_object` takes five times the CPU, most
        of it for finding out the endpoint anew for every key.
        """
        settings = self._settings
        url = f"{settings.endpoint.rstrip('/')}/{settings.bucket}/{key}"
        request = AWSRequest("PUT", url, data=data, headers={"Content-Type": content_type})
        self._signer.add_auth(request)
        with _translated():
            async with self._http.put(
                URL(url, encoded=True), data=BytesIO(data), headers=dict(request.headers.items())
            ) as answer:
                if answer.status != 200:
                    raise StorageRefused(f"PUT answered {answer.status}: {(await answer.text())[:300]}")

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        """Store a file of any length as it comes, by multipart upload; gives its size in bytes.

        Holds one part in memory. Whatever interrupts it, including an error of `chunks`, leaves no file and
        no parts. Raises StorageUnavailable.
        """
        place = {"Bucket": self._settings.bucket, "Key": key}
        with _translated():
            upload = await self._client.create_multipart_upload(**place, ContentType=content_type)
        place["UploadId"] = upload["UploadId"]
        parts: list[dict[str, Any]] = []
        size = 0
        try:
            async for part in _in_parts(chunks):
                with _translated():
                    answer = await self._client.upload_part(**place, PartNumber=len(parts) + 1, Body=part)
                parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"]})
                size += len(part)
            with _translated():
                await self._client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        except BaseException:
            await self._abandon(place)
            raise
        return size

    async def _abandon(self, upload: dict[str, str]) -> None:
        try:
            await self._client.abort_multipart_upload(**upload)
        except (BotoCoreError, ClientError, aiohttp.ClientError, OSError) as error:
            log.warning("multipart upload not cleared away", key=upload["Key"], reason=type(error).__name__)

    @asynccontextmanager
    async def read(self, key: str, part: str | None = None) -> AsyncIterator[StoredFile]:
        """A file, or one part of it, as HTTP names it: `bytes=0-99`.

        Raises FileMissing, RangeUnsatisfiable and StorageUnavailable.
        """
        wanted = {} if part is None else {"Range": part}
        with _translated():
            answer = await self._client.get_object(Bucket=self._settings.bucket, Key=key, **wanted)
        body = answer["Body"]
        async with body:
            yield StoredFile(
                answer["ContentLength"],
                answer["ContentType"],
                answer["ETag"],
                body.content.iter_chunked(_CHUNK_BYTES),
                answer.get("ContentRange"),
            )

    async def describe(self, key: str) -> tuple[int, str] | None:
        """Size and type of a file, or None where there is none. Raises StorageUnavailable."""
        try:
            with _translated():
                answer = await self._client.head_object(Bucket=self._settings.bucket, Key=key)
        except FileMissing:
            return None
        return answer["ContentLength"], answer["ContentType"]


async def _in_parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `PART_BYTES`, the last one smaller; one empty piece for nothing at all."""
    buffer = bytearray()
    sent = False
    async for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PART_BYTES:
            yield bytes(buffer[:PART_BYTES])
            del buffer[:PART_BYTES]
            sent = True
    if buffer or not sent:
        yield bytes(buffer)


class _translated:  # noqa: N801 - reads as the statement it is
    """Turns what botocore and aiohttp raise into this module's errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _MISSING_CODES:
            raise FileMissing from error
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _RANGE_CODES:
            raise RangeUnsatisfiable from error
        if isinstance(error, BotoCoreError | ClientError | aiohttp.ClientError | OSError | TimeoutError):
            raise StorageUnavailable from error
