"""The calls that are on their way."""

import asyncio

__all__ = ["InFlight"]


class InFlight:
    """Counts calls until their answers are read, and lets somebody wait for the last.

    Attributes:
        count: How many there are.
        cut_off: Whether those that are left were given up: they make no further attempt.
    """

    __slots__ = ("_idle", "count", "cut_off")

    def __init__(self) -> None:
        self.count: int = 0
        self.cut_off: bool = False
        self._idle: asyncio.Event | None = None

    def enter(self) -> None:
        """Count a call that begins."""
        self.count += 1

    def leave(self) -> None:
        """Count it out."""
        self.count -= 1
        if not self.count and self._idle is not None:
            self._idle.set()

    async def ended(self, seconds: float) -> int:
        """Wait until there is none, but not for ever.

        Args:
            seconds: The longest.

        Returns:
            How many are left.
        """
        self._idle = asyncio.Event()
        if self.count:
            try:
                async with asyncio.timeout(seconds):
                    await self._idle.wait()
            except TimeoutError:
                pass
        return self.count
