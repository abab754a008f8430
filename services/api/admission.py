"""Who may come in: key, expiry, scope and rate, in this order, before anything is read or priced."""

from __future__ import annotations

from typing import Protocol

from fastapi import Request

from services.api.auth import Authenticator
from services.api.errors import RateLimited, ScopeNotAllowed, Unauthorized
from services.api.strangers import Strangers
from shared.accounts.key import KeyOwner


class Rate(Protocol):
    """What is left of a caller's requests."""

    @property
    def allowed(self) -> bool: ...

    @property
    def retry_after_seconds(self) -> int: ...

    def headers(self) -> dict[str, str]: ...


class RateLimiter(Protocol):
    """Counts requests, exactly over all api processes."""

    async def take(self, owner: KeyOwner) -> Rate | None:
        """One request of this key; None where there is no limit."""
        ...


class Unlimited:
    """Counts nothing."""

    async def take(self, owner: KeyOwner) -> Rate | None:
        return None


class Admission:
    """Gives the owner of a request's key, or raises what is wrong with it."""

    def __init__(
        self, authenticate: Authenticator, limiter: RateLimiter, strangers: Strangers | None = None
    ) -> None:
        """Without `strangers`, who has no valid key may ask as often as he likes."""
        self._authenticate = authenticate
        self._limiter = limiter
        self._strangers = strangers

    async def __call__(self, request: Request, scope: str | None) -> KeyOwner:
        """Without a scope, the endpoint calls `require` once it knows what is asked for.

        Raises Unauthorized, AccountSuspended, ScopeNotAllowed and RateLimited.
        """
        try:
            owner = await self._authenticate(request)
        except Unauthorized:
            # A valid key comes in whatever others at its address do: they may share no more than a proxy.
            if self._strangers is not None:
                self._strangers.refuse(request.scope)
            raise
        request.state.owner = owner
        if scope is not None:
            self.require(owner, scope)
        rate = await self._limiter.take(owner)
        if rate is not None:
            request.state.rate_headers = rate.headers()
            if not rate.allowed:
                raise RateLimited(retry_after_seconds=rate.retry_after_seconds)
        return owner

    def require(self, owner: KeyOwner, scope: str) -> None:
        """Raises ScopeNotAllowed."""
        if owner.scopes and scope not in owner.scopes:
            raise ScopeNotAllowed(f"This key does not have the scope {scope}")
