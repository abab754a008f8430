"""Public addresses of stored files."""

from __future__ import annotations

from shared.settings import Settings


def file_url(settings: Settings, key: str) -> str:
    """Where a client fetches a file: the bucket's public address if there is one, else the api."""
    return f"{(settings.files_url or settings.public_url).rstrip('/')}/{key}"
