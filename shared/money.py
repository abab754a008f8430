"""Money is an integer of nano-USD (10⁻⁹ USD) everywhere inside; text only at the edges."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

NANO_PER_USD = 1_000_000_000
_EXACT = Context(prec=40, Emax=40, traps=[InvalidOperation, Overflow, Inexact])


def nano_from_usd(amount: str | Decimal) -> int:
    """Nano-USD of a decimal amount in USD, exact.

    Raises ValueError for text that is no number and for more than nine decimals.
    """
    try:
        nano = _EXACT.multiply(Decimal(amount), NANO_PER_USD)
    except (InvalidOperation, Overflow) as error:
        raise ValueError(f"{amount!r} is not an amount in USD, such as 12.50") from error
    except Inexact as error:
        raise ValueError(f"{amount!r} has more than nine decimals") from error
    if not nano.is_finite() or nano != nano.to_integral_value():
        raise ValueError(f"{amount!r} has more than nine decimals")
    return int(nano)


def usd_from_nano(nano: int, decimals: int) -> str:
    """A plain decimal in USD, rounded half up: `usd_from_nano(16_000_000, 4)` is `0.0160`."""
    scale = 10 ** (9 - decimals)
    sign, rest = ("-", -nano) if nano < 0 else ("", nano)
    units = (rest + scale // 2) // scale
    whole, fraction = divmod(units, 10**decimals)
    return f"{sign}{whole}.{fraction:0{decimals}d}" if decimals else f"{sign}{whole}"
