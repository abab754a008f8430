"""Redemption codes as people read and type them. Pure but for chance."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without I, L, O and U."""
_GROUPS, _GROUP_LENGTH = 5, 5
_LENGTH = _GROUPS * _GROUP_LENGTH
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def new_code() -> str:
    """Five groups of five letters and digits: 125 bits."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP_LENGTH] for start in range(0, _LENGTH, _GROUP_LENGTH))


def normal(text: str) -> str | None:
    """What was meant, whatever the case, the hyphens and the letters that look alike; None for no code."""
    letters = text.upper().translate(_READ_AS)
    return letters if len(letters) == _LENGTH and set(letters) <= set(_ALPHABET) else None
