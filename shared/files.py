"""Generated files in S3. The one module that knows aioboto3 and botocore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aioboto3
import aiohttp
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from yarl import URL

from shared.errors import HatcheryError
from shared.settings import S3Settings

_CHUNK_BYTES = 64 * 1024
_MISSING_CODES = frozenset({"NoSuchKey", "404", "NoSuchBucket"})


class StorageUnavailable(HatcheryError):
    """The file storage cannot be reached at the moment. Try again shortly."""

    code, status, retry_after_seconds = "service_unavailable", 503, 5


class StorageRefused(OSError):
    """The storage answered, and did not take the file."""


class FileMissing(HatcheryError):
    """There is no such file."""

    code, status = "not_found", 404


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file being read: its size and type, and its bytes as they come."""

    size: int
    content_type: str
    etag: str
    chunks: AsyncIterator[bytes]


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

    @asynccontextmanager
    async def read(self, key: str) -> AsyncIterator[StoredFile]:
        """Raises FileMissing and StorageUnavailable."""
        with _translated():
            answer = await self._client.get_object(Bucket=self._settings.bucket, Key=key)
        body = answer["Body"]
        async with body:
            yield StoredFile(
                answer["ContentLength"],
                answer["ContentType"],
                answer["ETag"],
                body.content.iter_chunked(_CHUNK_BYTES),
            )

    async def describe(self, key: str) -> tuple[int, str] | None:
        """Size and type of a file, or None where there is none. Raises StorageUnavailable."""
        try:
            with _translated():
                answer = await self._client.head_object(Bucket=self._settings.bucket, Key=key)
        except FileMissing:
            return None
        return answer["ContentLength"], answer["ContentType"]


class _translated:  # noqa: N801 - reads as the statement it is
    """Turns what botocore and aiohttp raise into this module's two errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _MISSING_CODES:
            raise FileMissing from error
        if isinstance(error, BotoCoreError | ClientError | aiohttp.ClientError | OSError | TimeoutError):
            raise StorageUnavailable from error
