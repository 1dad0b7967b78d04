"""Callers take turns."""

import asyncio

import pytest

from engine.server.turns import Turns, TurnsFullError


async def take(turns, name, order, hold=None):
    async with turns.turn(name):
        order.append(name)
        if hold is not None:
            await hold.wait()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_is_served_twice_before_all_were_once():
    turns, order, hold = Turns(10), [], asyncio.Event()
    names = ["a", "a", "a", "b", "c", "b"]
    tasks = [asyncio.create_task(take(turns, name, order, hold)) for name in names]
    await settle()
    assert (order, turns.waiting, turns.busy) == (["a"], 5, 1)
    hold.set()
    await asyncio.gather(*tasks)
    assert order == ["a", "a", "b", "c", "a", "b"]
    assert (turns.waiting, turns.busy) == (0, 0)


async def test_no_more_wait_than_may():
    turns, hold = Turns(1), asyncio.Event()
    tasks = [asyncio.create_task(take(turns, "a", [], hold)) for _ in range(2)]
    await settle()
    with pytest.raises(TurnsFullError, match="1 requests wait already"):
        await take(turns, "b", [])
    hold.set()
    await asyncio.gather(*tasks)


async def test_who_gives_up_waiting_is_passed_over():
    turns, order, hold = Turns(10), [], asyncio.Event()
    first, second, third = (
        asyncio.create_task(take(turns, name, order, hold)) for name in ("a", "b", "c")
    )
    await settle()
    second.cancel()
    await settle()
    assert turns.waiting == 1
    hold.set()
    await asyncio.gather(first, third)
    assert order == ["a", "c"]


async def test_a_turn_that_comes_too_late_goes_to_the_next():
    turns, order, hold = Turns(10), [], asyncio.Event()
    first, second, third = (
        asyncio.create_task(take(turns, name, order, hold)) for name in ("a", "b", "c")
    )
    await settle()
    hold.set()
    await first
    second.cancel()  # its turn has come, and it has not heard of it yet
    await asyncio.wait_for(third, 1)
    assert order in (["a", "c"], ["a", "b", "c"])
    assert not turns.busy


async def test_who_leaves_as_the_turn_comes_does_not_keep_it():
    turns, order, hold = Turns(10), [], asyncio.Event()
    first, second, *others = (
        asyncio.create_task(take(turns, name, order, hold)) for name in ("a", "b", "b", "c")
    )
    await settle()
    hold.set()
    second.cancel()  # it still stands in its queue when the first one passes the turn on
    await asyncio.wait_for(asyncio.gather(first, *others), 1)
    assert order == ["a", "b", "c"]
    assert (turns.waiting, turns.busy) == (0, 0)
