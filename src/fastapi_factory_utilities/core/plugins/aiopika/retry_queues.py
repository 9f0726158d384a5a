"""The queues beside a queue: where its messages wait for another attempt, and where they end.

`books.index` has `books.index.retry.1000`, `books.index.retry.5000` and so on, one for each delay of its policy, in
milliseconds, so that no message waits behind one with a longer delay; a delay that a handler asks for itself has
`books.index.after.…`, which goes when it was not used for a day. From there messages go back by themselves.
`books.index.dead` keeps what was given up.
"""

from collections.abc import Sequence
from typing import Final

from fastapi_factory_utilities.core.plugins.aiopika.retry import RetryPolicy, rounded_up
from fastapi_factory_utilities.core.plugins.aiopika.topology import Queue

__all__ = ["SideQueues", "dead_letter_queue"]

_DAY_SECONDS: Final = 24 * 3600.0
_NO_DELIVERY_LIMIT: Final = 1_000_000
"""RabbitMQ 4 drops a message that came back 20 times, and looking at a dead letter is such a time."""


class SideQueues:
    """The queues beside one queue.

    Those of a lasting queue are quorum queues with confirmed dead-lettering, since a classic queue can lose a message
    on its way back when the broker dies (RabbitMQ 3.10 or later: "At-Least-Once Dead Lettering" in its manual).

    Args:
        queue: The queue.
        policy: Which delays there are.
    """

    def __init__(self, queue: Queue, policy: RetryPolicy) -> None:
        self._queue = queue
        self._retries = {seconds: self._waiting("retry", seconds) for seconds in policy.delays}
        self.dead: Queue = dead_letter_queue(queue)

    @property
    def lasting(self) -> Sequence[Queue]:
        """Those that are always there."""
        return [*self._retries.values(), self.dead]

    def of_policy(self, seconds: float) -> Queue | None:
        """Return the queue of one of the policy's delays."""
        return self._retries.get(seconds)

    def passing(self, seconds: float) -> Queue:
        """Return the queue of another delay; it must be declared whenever it is used, which keeps it alive."""
        return self._waiting("after", rounded_up(seconds), expires_after=_DAY_SECONDS)

    def _waiting(self, kind: str, seconds: float, expires_after: float | None = None) -> Queue:
        lasts = _lasts(self._queue)
        if not lasts:
            expires_after = _DAY_SECONDS
        return Queue(
            f"{self._queue.name}.{kind}.{round(seconds * 1000)}",
            queue_type="quorum" if lasts else "classic",
            message_ttl_seconds=seconds,
            dead_letter_exchange="",
            dead_letter_routing_key=self._queue.name,
            expires_seconds=None if expires_after is None else seconds + expires_after,
            overflow="reject-publish" if lasts else None,
            arguments={"x-dead-letter-strategy": "at-least-once"} if lasts else None,
            timeout=self._queue.timeout,
        )


def dead_letter_queue(queue: Queue) -> Queue:
    """Return the queue that keeps what was given up of another; replicated if that is."""
    replicated = queue.queue_type == "quorum"
    return Queue(
        f"{queue.name}.dead",
        queue_type="quorum" if replicated else "classic",
        expires_seconds=None if _lasts(queue) else _DAY_SECONDS,
        arguments={"x-delivery-limit": _NO_DELIVERY_LIMIT} if replicated else None,
        timeout=queue.timeout,
    )


def _lasts(queue: Queue) -> bool:
    return queue.durable and not queue.exclusive and not queue.auto_delete
