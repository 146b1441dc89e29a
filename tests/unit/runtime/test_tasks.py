"""Ending tasks reliably."""

import asyncio

import pytest

from runtime import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)
    lost = 0

    async def careless() -> None:
        nonlocal lost
        while lost < 2:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
        await asyncio.sleep(3600)

    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    await tasks.cancel_all([task])
    assert task.cancelled()
    assert lost == 2


async def test_a_task_that_fails_while_it_ends_raises_nothing() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("on the way out")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await tasks.cancel_all([task])
    assert isinstance(task.exception(), ValueError)


async def test_without_tasks_nothing_is_awaited() -> None:
    await tasks.cancel_all([])
