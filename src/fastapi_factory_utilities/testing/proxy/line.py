"""One direction of the line: its faults at this moment, shared by all connections."""

import asyncio
from collections.abc import Callable

from fastapi_factory_utilities.testing.proxy.faults import Faults

__all__ = ["HEALTHY", "Line"]

HEALTHY = Faults()


class Line:
    """The faults of one direction; whoever waits because of a fault looks again as soon as the faults change."""

    def __init__(self) -> None:
        self.faults: Faults = HEALTHY
        self.bytes_forwarded = 0
        self._changed = asyncio.Event()

    def set(self, faults: Faults) -> None:
        """Put these faults in force, and wake everybody who waits on those before."""
        self.faults = faults
        self._changed.set()
        self._changed = asyncio.Event()

    async def thawed(self) -> None:
        """Return as soon as the direction is not frozen."""
        while self.faults.frozen:
            await self._changed.wait()

    async def wait(self, seconds: Callable[[Faults], float], *, since: float) -> None:
        """Wait out a delay: `seconds` tells its length from the faults in force, so that healing ends it.

        Args:
            seconds: The length of the delay under the given faults.
            since: The moment (of the loop's clock) from which the delay counts.
        """
        clock = asyncio.get_running_loop().time
        while (remaining := since + seconds(self.faults) - clock()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), remaining)
            except TimeoutError:
                return
