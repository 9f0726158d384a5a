"""Waiting for what comes later, with a deadline."""

import asyncio
from collections.abc import Callable

__all__ = ["wait_until"]

_POLL_SECONDS = 0.005


async def wait_until(
    condition: Callable[[], object], *, within_seconds: float = 10.0, otherwise: Callable[[], str]
) -> None:
    """Ask again and again until something is true.

    Args:
        condition: What is to become true.
        within_seconds: How long that may take.
        otherwise: The message when it takes longer.

    Raises:
        AssertionError: It takes longer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(otherwise())
        await asyncio.sleep(_POLL_SECONDS)
