"""What can go wrong with a measurement, in words for the person at the terminal."""

from __future__ import annotations


class BenchError(Exception):
    """The measurement cannot be made or is worth nothing; the text says why."""
