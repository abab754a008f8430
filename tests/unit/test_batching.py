"""Group commit: who waits for whom, and what becomes of each caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from shared.batching import Batcher, BatcherClosed


class Groups:
    """A commit that doubles numbers, remembers its groups and waits to be let on."""

    def __init__(self, *, held_back: bool = False) -> None:
        self.groups: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.began = asyncio.Event()
        if not held_back:
            self.go_on.set()

    async def commit(self, items: Sequence[int]) -> list[int | BaseException]:
        self.groups.append(list(items))
        self.began.set()
        await self.go_on.wait()
        return [2 * item for item in items]


async def test_a_lone_request_waits_for_nobody() -> None:
    groups = Groups()
    batcher: Batcher[int, int] = Batcher("test", groups.commit)

    assert await batcher.submit(4) == 8
    assert await batcher.submit(5) == 10
    assert groups.groups == [[4], [5]]


async def test_requests_of_the_same_moment_share_the_first_group() -> None:
    groups = Groups()
    batcher: Batcher[int, int] = Batcher("test", groups.commit)

    assert await asyncio.gather(*(batcher.submit(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert groups.groups == [[0, 1, 2, 3, 4]]


async def test_what_comes_while_a_commit_is_on_its_way_makes_the_next_group() -> None:
    groups = Groups(held_back=True)
    batcher: Batcher[int, int] = Batcher("test", groups.commit)
    first = asyncio.create_task(batcher.submit(1))
    await groups.began.wait()
    later = [asyncio.create_task(batcher.submit(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)

    assert groups.groups == [[1]]

    groups.go_on.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert groups.groups == [[1], [2, 3, 4]]


async def test_a_group_never_exceeds_the_limit_and_order_is_kept() -> None:
    groups = Groups()
    batcher: Batcher[int, int] = Batcher("test", groups.commit, limit=3)

    await asyncio.gather(*(batcher.submit(n) for n in range(7)))

    assert groups.groups == [[0, 1, 2], [3, 4, 5], [6]]


async def test_one_item_may_fail_and_its_neighbours_do_not() -> None:
    async def commit(items: Sequence[int]) -> list[int | BaseException]:
        return [ValueError(f"no {item}") if item % 2 else item for item in items]

    batcher: Batcher[int, int] = Batcher("test", commit)
    results = await asyncio.gather(*(batcher.submit(n) for n in range(4)), return_exceptions=True)

    assert [str(one) for one in results] == ["0", "no 1", "2", "no 3"]


async def test_a_commit_that_fails_fails_its_whole_group_and_no_other() -> None:
    async def commit(items: Sequence[int]) -> list[int | BaseException]:
        if 1 in items:
            raise ConnectionError("away")
        return list(items)

    batcher: Batcher[int, int] = Batcher("test", commit, limit=2)
    results = await asyncio.gather(*(batcher.submit(n) for n in range(4)), return_exceptions=True)

    assert [type(one) for one in results] == [ConnectionError, ConnectionError, int, int]
    assert await batcher.submit(7) == 7


async def test_closing_commits_what_is_queued_and_refuses_more() -> None:
    groups = Groups(held_back=True)
    batcher: Batcher[int, int] = Batcher("test", groups.commit)
    first = asyncio.create_task(batcher.submit(1))
    await groups.began.wait()
    second = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)

    with pytest.raises(BatcherClosed, match="test is closed"):
        await batcher.submit(3)

    groups.go_on.set()
    await closing
    assert (await first, await second) == (2, 4)
    assert groups.groups == [[1], [2]]


async def test_closing_an_idle_batcher_is_no_trouble() -> None:
    batcher: Batcher[int, int] = Batcher("test", Groups().commit)
    await batcher.close()
    await batcher.close()


async def test_a_caller_that_is_cancelled_leaves_its_item_in_the_group() -> None:
    groups = Groups(held_back=True)
    batcher: Batcher[int, int] = Batcher("test", groups.commit)
    impatient = asyncio.create_task(batcher.submit(1))
    patient = asyncio.create_task(batcher.submit(2))
    await groups.began.wait()
    impatient.cancel()
    await asyncio.wait([impatient])
    groups.go_on.set()

    assert await patient == 4
    assert impatient.cancelled()
    assert groups.groups == [[1, 2]]


async def test_a_caller_cancelled_before_the_commit_does_not_hold_up_the_others() -> None:
    groups = Groups()
    batcher: Batcher[int, int] = Batcher("test", groups.commit)
    impatient = asyncio.create_task(batcher.submit(1))
    patient = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient == 4
    assert groups.groups == [[1, 2]]


async def test_after_a_commit_that_was_cancelled_from_within_the_next_caller_is_served() -> None:
    cancelled: list[int] = []

    async def commit(items: Sequence[int]) -> list[int | BaseException]:
        if not cancelled:
            cancelled.extend(items)
            raise asyncio.CancelledError
        return list(items)

    batcher: Batcher[int, int] = Batcher("test", commit)
    with pytest.raises(BatcherClosed):
        await batcher.submit(1)
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        assert await batcher.submit(2) == 2


async def test_a_commit_with_too_few_results_fails_its_callers_instead_of_leaving_them_waiting() -> None:
    async def commit(items: Sequence[int]) -> list[int | BaseException]:
        return list(items[1:])

    batcher: Batcher[int, int] = Batcher("test", commit)
    async with asyncio.timeout(5):
        results = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)

    assert all(isinstance(one, Exception) for one in results)
