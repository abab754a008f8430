"""The root of every error that Hatchery raises on purpose."""

from __future__ import annotations


class HatcheryError(Exception):
    """Something the caller is told about: a stable code, an HTTP status and a sentence.

    The class docstring is the default message. Each dialect renders `code`, `status` and the message
    in its own shape.
    """

    code = "internal_error"
    status = 500
    retry_after_seconds: int | None = None

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        return str(self.args[0])
