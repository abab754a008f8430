"""Words by which a model's free-text error shows that it refused the prompt or the picture.

Providers whose errors carry no code (Replicate's `error` string, fal's `error` beside COMPLETED, kie's
`failMsg`) leave only the text to go by. The list is data: an adapter can be given another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

REFUSAL_PATTERNS: Final = (
    r"\bnsfw",
    r"flagged as sensitive",
    r"sensitive (?:content|words?\b)",
    r"\bE005\b",
    r"content[ _]polic",
    r"content[ _]moderation",
    r"moderation[ _]blocked",
    r"safety (?:system|filter|checker|polic|setting|reason)",
    r"prohibited (?:content|use)",
    r"violat\w+ (?:of )?(?:our |the |google's |openai's )?(?:\w+ )?(?:polic|guideline|terms)",
)


def compile_patterns(patterns: Iterable[str]) -> re.Pattern[str]:
    """One pattern that matches where any of `patterns` does, in any case."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


REFUSAL: Final = compile_patterns(REFUSAL_PATTERNS)
