"""Reading how much a provider says it counted."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,18})?")
_TOO_MUCH: Final = 10**9


def counted(stated: object) -> Decimal | None:
    """A plain number that is not negative, or the text of one; None for anything else."""
    if isinstance(stated, str):
        text = stated.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 <= stated < _TOO_MUCH:
        return None
    return Decimal(str(stated))
