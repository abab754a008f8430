"""Outgoing HTTP: one kind of session for providers, a guarded one for addresses that strangers choose."""

from shared.http.egress import EgressPolicy, UnsafeAddress
from shared.http.reading import ResponseTooLarge, ResponseTooSlow, read_capped
from shared.http.sessions import guarded_session, provider_session

__all__ = [
    "EgressPolicy",
    "ResponseTooLarge",
    "ResponseTooSlow",
    "UnsafeAddress",
    "guarded_session",
    "provider_session",
    "read_capped",
]
