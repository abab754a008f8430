"""When a webhook is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.schedule import LONGEST_RETRY_AFTER, MOST_ATTEMPTS, next_delay, retry_after

NOW = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("attempts_made", "delay"),
    [
        (1, 5 * SECOND),
        (2, 5 * MINUTE),
        (3, 30 * MINUTE),
        (4, 2 * HOUR),
        (5, 5 * HOUR),
        (6, 10 * HOUR),
        (7, 10 * HOUR),
        (8, None),
        (9, None),
    ],
)
def test_there_are_eight_attempts_at_growing_distances(attempts_made: int, delay: timedelta | None) -> None:
    assert next_delay(attempts_made, 0) == delay


def test_the_schedule_spans_a_little_more_than_a_day() -> None:
    delays = [next_delay(number, 0) or timedelta(0) for number in range(1, MOST_ATTEMPTS)]

    assert sum(delays, timedelta(0)) == timedelta(hours=27, minutes=35, seconds=5)


@pytest.mark.parametrize(("jitter", "seconds"), [(-1, 240), (-0.5, 270), (0, 300), (1, 360)])
def test_jitter_moves_a_delay_by_up_to_a_fifth(jitter: float, seconds: float) -> None:
    assert next_delay(2, jitter) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("attempts_made", "wish", "delay"),
    [
        (1, 2 * SECOND, 5 * SECOND),
        (1, 90 * SECOND, 90 * SECOND),
        (1, timedelta(days=3), LONGEST_RETRY_AFTER),
        (8, 90 * SECOND, None),
    ],
)
def test_a_longer_retry_after_is_honoured_up_to_ten_hours(
    attempts_made: int, wish: timedelta, delay: timedelta | None
) -> None:
    assert next_delay(attempts_made, 0, wish) == delay


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120 * SECOND),
        (" 0 ", timedelta(0)),
        ("1000000000", LONGEST_RETRY_AFTER),
        ("9" * 5000, LONGEST_RETRY_AFTER),
        ("Tue, 03 Feb 2026 09:02:00 GMT", 2 * MINUTE),
        ("Tue, 03 Feb 2026 09:02:00 -0000", 2 * MINUTE),
        ("Tue, 03 Feb 2026 10:02:00 +0100", 2 * MINUTE),
        ("Mon, 02 Feb 2026 09:00:00 GMT", timedelta(0)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("Tue, 99 Feb 2026 09:02:00 GMT", None),
        ("Tue, 03 Feb 2026 09:02:00 +999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait
