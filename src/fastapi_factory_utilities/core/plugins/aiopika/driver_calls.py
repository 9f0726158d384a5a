"""Calls of the driver, whose failures mean what they say."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LineLostError", "own_cancellations"]


class LineLostError(ConnectionError):
    """The connection ended while an answer was awaited."""


@contextmanager
def own_cancellations() -> Iterator[None]:
    """Tell a cancellation of this task from one that the driver raises.

    aiormq rejects what waits on a connection or channel that ends with whatever ended it, and that may be a
    `CancelledError`: whoever lets it through looks as if somebody had cancelled them.

    Raises:
        LineLostError: Instead of a cancellation that is not this task's.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except asyncio.CancelledError as error:
        if task is None or task.cancelling() > before:
            raise
        raise LineLostError("the connection ended") from error
