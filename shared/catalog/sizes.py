"""Which price tier a picture belongs to, whatever was asked for. Pure."""

from __future__ import annotations

from typing import Final

_UP_TO_MEGAPIXELS: Final = (("512", 0.5), ("1K", 2.1), ("2K", 6.0))
"""Upper bounds. Providers round sides, and UHD (3840 by 2160, 8.3 megapixels) is sold as 4K."""

ORDER: Final = ("512", "1K", "2K", "4K")
"""From small to large."""
_BELOW: Final = {asked: tuple(reversed(ORDER[:place])) for place, asked in enumerate(ORDER)}


def tier_of(width: int, height: int) -> str:
    """512, 1K, 2K or 4K, by the number of pixels."""
    megapixels = width * height / 1_000_000
    return next((tier for tier, bound in _UP_TO_MEGAPIXELS if megapixels < bound), "4K")


def below(asked: str | None) -> tuple[str, ...]:
    """The tiers below the one that was asked for, from large to small; none below what is none of ours."""
    return _BELOW.get(asked or "", ())


def tier_word(resolution: str) -> str:
    """Our own word for the Aigenway platform's."""
    return "512" if resolution == "0.5K" else resolution


def platform_word(tier: str) -> str:
    """That platform's word for ours."""
    return "0.5K" if tier == "512" else tier
