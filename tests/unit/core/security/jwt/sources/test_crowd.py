"""Many that wait."""

import asyncio

from fastapi_factory_utilities.core.security.jwt.sources.crowd import Crowd


async def test_all_are_woken_and_never_so_many_that_others_wait_for_them() -> None:
    crowd, woken = Crowd(), 0

    async def wait() -> None:
        nonlocal woken
        await crowd.wait()
        woken += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(1750):
            tasks.create_task(wait())
        await asyncio.sleep(0)
        assert woken == 0
        assert max(len(group._waiters) for group in crowd._groups) <= 500
        crowd.wake()
    assert woken == 1750
