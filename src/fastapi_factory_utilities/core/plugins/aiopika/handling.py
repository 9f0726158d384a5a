"""What becomes of one message: parsed, claimed, handled, and settled by how that went."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika.consuming_delivery import Delivery
from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import Cause
from fastapi_factory_utilities.core.plugins.aiopika.errors import AiopikaPluginBaseError, InvalidMessageError
from fastapi_factory_utilities.core.plugins.aiopika.handling_failures import FailureLog
from fastapi_factory_utilities.core.plugins.aiopika.handling_once import Once
from fastapi_factory_utilities.core.plugins.aiopika.handling_signals import Reject, Retry
from fastapi_factory_utilities.core.plugins.aiopika.retry import RetryPolicy
from fastapi_factory_utilities.core.plugins.aiopika.spans import HandlingSpans
from fastapi_factory_utilities.core.plugins.inbox import Claim, Inbox
from fastapi_factory_utilities.core.telemetry import NO_TELEMETRY, Telemetry

__all__ = ["BUSY_SECONDS", "Handling", "Shelves"]

_log = get_logger(__name__)

BUSY_SECONDS: Final = 1.0
"""After how long a message is looked at again that somebody else is handling just now."""

_NOT_KEPT_PAUSE_SECONDS: Final = 1.0


class Shelves(Protocol):
    """Where messages wait for their next attempt, and where they are parked."""

    async def put_off(self, delivery: Delivery, *, seconds: float, attempts: int) -> None:
        """Send a message to wait; returns when the broker has confirmed that it keeps it.

        Args:
            delivery: The message.
            seconds: How long it waits.
            attempts: How often handlers have failed with it by now.

        Raises:
            AiopikaPluginBaseError: The broker did not confirm.
        """
        ...

    async def park(self, delivery: Delivery, *, attempts: int, cause: Cause) -> None:
        """Send a message to the dead-letter queue; as `put_off`."""
        ...


class Handling[MessageT]:
    """Handles the deliveries of one queue.

    Whatever happens, a message leaves the queue only when its handler has returned, or when the broker has confirmed
    that it keeps it elsewhere.

    Args:
        parse: Makes the message; raises `InvalidMessageError` for one that nobody can ever handle.
        call: The handler, its dependencies filled in.
        queue: The queue's name.
        shelves: Where messages wait and are parked.
        policy: When a message is tried again.
        find_inbox: Returns what remembers the messages that were processed; see `Once`.
        delivery_limit: After how many returns a quorum queue drops a message; None where it never does.
        telemetry: Where the messages are told of.
    """

    def __init__(
        self,
        parse: Callable[[Delivery], MessageT],
        call: Callable[[MessageT], Awaitable[object]],
        *,
        queue: str,
        shelves: Shelves,
        policy: RetryPolicy,
        find_inbox: Callable[[], Inbox] | None = None,
        delivery_limit: int | None = None,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._spans = HandlingSpans(telemetry, queue)
        self._parse = parse
        self._call = call
        self._queue = queue
        self._shelves = shelves
        self._policy = policy
        self._delivery_limit = delivery_limit
        self._failures = FailureLog()
        self._once = None if find_inbox is None else Once(find_inbox, queue, self._failures)

    async def __call__(self, delivery: Delivery) -> None:
        """Handle one delivery, and settle it.

        Raises:
            asyncio.CancelledError: It was cancelled; the delivery is not settled, unless it was done with already.
        """
        if not self._spans.active:
            await self._settle(delivery)
            return
        with self._spans.handling(delivery) as message:
            await self._settle(delivery)
            if delivery.failure is not None:
                message.fail(delivery.failure)

    async def _settle(self, delivery: Delivery) -> None:
        if self._delivery_limit is not None and delivery.times_returned >= self._delivery_limit:
            # The next time, the broker would drop it; a copy is counted anew.
            await self._failed(
                delivery, _ReturnedTooOftenError(f"it came back {delivery.times_returned} times unanswered")
            )
            return
        try:
            message = self._parse(delivery)
        except InvalidMessageError as error:
            await self._given_up(delivery, error, "message cannot be read")
            return
        except Exception as error:  # noqa: BLE001 - a validator has a bug: it may be mended before the last attempt
            await self._failed(delivery, error)
            return
        message_id = delivery.message_id
        if self._once is None or message_id is None:
            await self._handle(delivery, message)
            return
        match await self._once.claim(message_id):
            case Claim.DONE:
                await delivery.ack()
            case Claim.BUSY:
                await self._moved(
                    delivery,
                    lambda: self._shelves.put_off(delivery, seconds=BUSY_SECONDS, attempts=delivery.attempt - 1),
                )
            case Claim.NEW:
                await self._handle_once(self._once, message_id, delivery, message)

    async def _handle(self, delivery: Delivery, message: MessageT) -> None:
        try:
            await self._call(message)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure with this message
            await self._settle_failed(delivery, error)
        else:
            await delivery.ack()  # does nothing where the handler has settled it

    async def _handle_once(self, once: Once, message_id: str, delivery: Delivery, message: MessageT) -> None:
        try:
            await self._call(message)
        except Exception as error:  # noqa: BLE001 - see `_handle`
            await once.release(message_id)
            await self._settle_failed(delivery, error)
            return
        except asyncio.CancelledError:
            await once.release(message_id)
            raise
        if delivery.given_back:
            await once.release(message_id)
            return
        try:
            await once.done(message_id)
        finally:
            await delivery.ack()

    async def _settle_failed(self, delivery: Delivery, error: Exception) -> None:
        if delivery.settled:
            self._tell(_log.warning, "message failed after it was settled", delivery, error)
        elif isinstance(error, Reject):
            await self._given_up(delivery, error, "message rejected")
        else:
            await self._failed(delivery, error)

    async def _failed(self, delivery: Delivery, error: Exception) -> None:
        """Put a message off, or give it up where no attempt is left."""
        seconds = self._policy.delay_after(delivery.attempt)
        if seconds is None:
            await self._given_up(delivery, error, "message given up")
            return
        if isinstance(error, Retry) and error.after is not None:
            seconds = error.after
        wait = seconds
        self._tell(_log.warning, "message failed", delivery, error, in_seconds=wait)
        await self._moved(delivery, lambda: self._shelves.put_off(delivery, seconds=wait, attempts=delivery.attempt))

    async def _given_up(self, delivery: Delivery, error: Exception, event: str) -> None:
        cause = Cause.of(error)
        self._tell(_log.error, event, delivery, error)
        await self._moved(delivery, lambda: self._shelves.park(delivery, attempts=delivery.attempt, cause=cause))

    async def _moved(self, delivery: Delivery, move: Callable[[], Awaitable[None]]) -> None:
        """Have the broker keep a message elsewhere, and only then take it from its queue."""
        if delivery.is_lost:
            return  # it comes again anyway
        try:
            await move()
        except AiopikaPluginBaseError as error:
            self._tell(_log.error, "message could not be moved", delivery, error)
            await asyncio.sleep(_NOT_KEPT_PAUSE_SECONDS)
            await delivery.nack()
        else:
            await delivery.ack()

    def _tell(
        self, write: Callable[..., None], event: str, delivery: Delivery, error: Exception, **facts: object
    ) -> None:
        delivery.failure = delivery.failure or error
        told: dict[str, object] = {"queue": self._queue, "message_id": delivery.message_id, "attempt": delivery.attempt}
        if isinstance(error, Reject | Retry):
            facts["reason"] = error.reason
        else:
            facts["exc_info"] = error
        self._failures.tell(write, event, f"{event}: {type(error).__qualname__}", **told, **facts)


class _ReturnedTooOftenError(AiopikaPluginBaseError):
    """A quorum queue would drop the message the next time."""
