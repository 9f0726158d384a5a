"""Many that wait for one thing."""

import asyncio
from typing import Final

__all__ = ["Crowd"]

_AT_ONCE: Final = 500


class Crowd:
    """Requests that wait for a fetch, woken in groups: ten thousand at once would hold the event loop for 10 ms."""

    __slots__ = ("_count", "_groups")

    def __init__(self) -> None:
        self._groups: list[asyncio.Event] = []
        self._count = 0

    async def wait(self) -> None:
        """Return when all are woken."""
        if self._count % _AT_ONCE == 0:
            self._groups.append(asyncio.Event())
        self._count += 1
        await self._groups[-1].wait()

    def wake(self) -> None:
        """Wake all that wait; who comes later waits for ever."""
        loop = asyncio.get_running_loop()
        for group in self._groups:
            loop.call_soon(group.set)
