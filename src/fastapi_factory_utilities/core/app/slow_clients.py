"""Connections whose client keeps the server waiting are closed (slow-request attacks, "slowloris").

Requests pay nothing for it: once a second somebody looks at what each connection waits for.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from fastapi_factory_utilities.core.app.http_protocol import LimitedProtocol

__all__ = ["SlowClients"]


class SlowClients:
    """Remembers since when each connection has waited for the same thing.

    Args:
        seconds: How long one may; `None` for ever.
        clock: Seconds that never go back.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._waits: dict[LimitedProtocol, tuple[object, float]] = {}

    def sweep(self, connections: Iterable[Any]) -> int:
        """Close the connections that waited too long; return how many."""
        if self._seconds is None:
            return 0
        now = self._clock()
        waits: dict[LimitedProtocol, tuple[object, float]] = {}
        late = []
        for connection in connections:
            awaited = connection.awaited() if isinstance(connection, LimitedProtocol) else None
            if awaited is None:
                continue
            known, since = self._waits.get(connection, (None, now))
            if known != awaited:
                since = now
            if now - since >= self._seconds:
                late.append(connection)
            else:
                waits[connection] = awaited, since
        self._waits = waits
        for connection in late:
            connection.give_up_waiting()
        return len(late)
