"""Making a provider's error text fit to be stored and shown."""

from __future__ import annotations

import re
from typing import Final

MAX_MESSAGE_LENGTH: Final = 300
_MAX_INPUT_LENGTH: Final = 4000

_UNWANTED: Final = re.compile(
    r"""
      <(script|style|head)\b.*?</\1\s*> | <!--.*?--> | </?[a-z!][^>]*>        # markup
    | \b[a-z][a-z0-9+.-]{0,30}://\S+ | \bdata:[a-z]+/\S+                     # addresses with a scheme
    | \b(?:[a-z0-9][a-z0-9-]{0,62}\.){1,9}[a-z]{2,24}\b(?::\d+)?(?:/\S*)?    # bare host names
    | \b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?                                    # IPv4 addresses
    | \[?(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\]?(?::\d+)?                     # IPv6 addresses
    | \b(?:bearer|key|token)\s+[\w.:-]{12,}                                   # quoted credentials
    | \b(?:sk|r8|key|whsec)[_-][\w-]{6,}
    | \b(?=[\w-]{0,40}\d)[\w-]{20,}(?::[\w-]+)?                              # keys and other long ids
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


def sanitise(text: str, default: str = "The provider gave no reason.") -> str:
    """`text` without markup, addresses, host names and keys, on one line, at most 300 characters."""
    plain = _UNWANTED.sub(" ", text[:_MAX_INPUT_LENGTH])
    plain = _SPACE.sub(" ", plain).strip(" <>")
    if len(plain) > MAX_MESSAGE_LENGTH:
        plain = plain[: MAX_MESSAGE_LENGTH - 1].rstrip() + "…"
    return plain or default
