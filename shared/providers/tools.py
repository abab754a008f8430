"""What an adapter is built from, besides its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import aiohttp

from shared.errors import HatcheryError


class UnusableInput(HatcheryError):
    """An input image cannot be fetched or is no image."""

    code, status = "unusable_input", 422


@dataclass(frozen=True, slots=True)
class InputImage:
    """An input image as bytes; the type is read from the bytes."""

    data: bytes
    content_type: str


class InputSource(Protocol):
    """Fetches what a client names, for providers that want bytes and not addresses."""

    async def load(self, url: str) -> InputImage:
        """The image behind an http(s) or `data:` URL. Raises UnusableInput."""
        ...


class Throttle(Protocol):
    """Keeps the calls to one provider below its rate."""

    async def wait(self) -> None:
        """Return when the next call may be made."""
        ...


class Unlimited:
    """No rate to keep."""

    async def wait(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a provider may take."""

    submit: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(seconds=15)
    generate: timedelta = timedelta(seconds=240)
    """A call that answers with the finished outputs or the whole text."""
    first_event: timedelta = timedelta(seconds=60)
    """Of a stream."""
    idle: timedelta = timedelta(seconds=60)
    """Between two events of a stream."""

    def submit_within(self, allowed: timedelta | None) -> timedelta:
        """For the call that hands a job over, of an attempt that may take so long."""
        return self.submit if allowed is None else min(self.submit, allowed)

    def generate_within(self, allowed: timedelta | None) -> timedelta:
        """For a call that answers with the outputs, of an attempt that may take so long."""
        return self.generate if allowed is None else min(self.generate, allowed)


@dataclass(frozen=True, slots=True)
class ProviderTools:
    """Shared by all adapters of a process."""

    session: aiohttp.ClientSession
    inputs: InputSource
    throttle: Throttle = field(default_factory=Unlimited)
    limits: TimeLimits = field(default_factory=TimeLimits)
