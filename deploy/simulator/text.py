"""Text that no model wrote: made from the prompt, the same for the same prompt, cheap to make.

One word counts as one token, and so do four characters of anything that is not words.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

USUAL_TOKENS = 40
MOST_TOKENS = 16_384
_CHARACTERS_PER_TOKEN = 4
_WORDS_PER_PIECE = 4
_ECHOED_WORDS = 6
_STORY = (
    "the hen walks over a quiet field and looks for grain while morning light falls on warm straw near an "
    "old barn where seven eggs wait under soft feathers until somebody opens one small door with care"
)
_VOCABULARY = tuple(_STORY.split())
# Long enough for the longest answer from any starting word.
_RING = _VOCABULARY * (MOST_TOKENS // len(_VOCABULARY) + 2)


@dataclass(frozen=True, slots=True)
class Written:
    """What a model says. `pieces`: in the order they are streamed. `cut`: the limit ended it."""

    pieces: Sequence[str]
    tokens: int
    cut: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


NOTHING = Written((), 0)


def tokens_of(text: str) -> int:
    """About how many tokens a prompt is."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def seed_of(text: str) -> int:
    """A number that is the same for the same text in every process."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def words(seed: int, count: int) -> str:
    """Some words, the same for the same numbers."""
    start = seed % len(_VOCABULARY)
    return " ".join(_RING[start : start + count])


def prose(prompt: str, limit: int | None) -> Written:
    """An answer of `limit` tokens, the usual length when None; one shorter than usual counts as cut."""
    count = min(USUAL_TOKENS if limit is None else limit, MOST_TOKENS)
    start = seed_of(prompt) % len(_VOCABULARY)
    # The beginning of the prompt is enough to find its first words.
    said = ["About", *prompt[:200].split()[:_ECHOED_WORDS], *_RING[start : start + count]][:count]
    return Written(_in_pieces(said), count, count < USUAL_TOKENS)


def _in_pieces(said: list[str]) -> list[str]:
    groups = [" ".join(said[at : at + _WORDS_PER_PIECE]) for at in range(0, len(said), _WORDS_PER_PIECE)]
    return [group if number == 0 else f" {group}" for number, group in enumerate(groups)]


def verbatim(text: str, limit: int | None) -> Written:
    """A given text in pieces, as far as `limit` tokens reach."""
    length = len(text) if limit is None else min(len(text), limit * _CHARACTERS_PER_TOKEN)
    step = _CHARACTERS_PER_TOKEN * _WORDS_PER_PIECE
    pieces = [text[at : min(at + step, length)] for at in range(0, length, step)]
    return Written(pieces, tokens_of(text[:length]), length < len(text))
