"""The relay: takes messages out of the outbox to the broker, in one process at a time."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

from pymongo import timeout

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.messages import MessageSender
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import DatabaseUnavailableError, OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.config import OutboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import EmbeddedMessages
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.lease import Lease
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import Record
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.sending import Outcome, send_all
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import OutboxStore

__all__ = ["Relay"]

_log = get_logger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_LONGEST_FAILURE_PAUSE_SECONDS = 10.0
_LONGEST_RETRY_SECONDS = 60.0
_LAST_WORD_SECONDS = 0.4
_QUIET_SECONDS = 2.0
_OUTAGE_QUIET_SECONDS = 10.0  # one message that is never answered must not fill the log


class Relay:
    """Sends what waits, as long as this process has the lease.

    A message is marked as sent only after the broker's confirm, so it is sent again when the process dies in between:
    at least once, always with the same `message_id`.

    Args:
        store: Where the messages wait.
        lease: What makes it the only one.
        sender: Who sends them.
        config: How many at a time, and how often.
        wake: Set when something was committed here.
        embedded: Where messages lie in the documents of entities.
    """

    def __init__(
        self,
        store: OutboxStore,
        lease: Lease,
        sender: MessageSender,
        *,
        config: OutboxConfig,
        wake: asyncio.Event,
        embedded: Iterable[EmbeddedMessages] = (),
    ) -> None:
        self._store = store
        self._lease = lease
        self._sender = sender
        self._config = config
        self._wake = wake
        self._embedded = tuple(embedded)
        self._stopping = asyncio.Event()
        self._confirmed: set[str] = set()  # and not yet marked as sent
        self._parked: list[tuple[Record, str]] = []  # and not yet told
        self._quiet_until = 0.0
        self._is_outage_told = False
        self._outage_quiet_until = 0.0
        self._outage_pause = 0.0  # the last pause of a broker's outage; 0 when there is none

    def stop(self) -> None:
        """Begin nothing more; `run` returns when what is in flight was answered."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Relay until `stop` or cancellation; what was confirmed is marked, and the lease given back."""
        pause = _FIRST_PAUSE_SECONDS
        try:
            while not self._stopping.is_set():
                try:
                    if await self._lease.acquire():
                        async with self._lease.kept(self._config.renewal_seconds):
                            await self._lead()
                    else:
                        await self._sleep(self._config.candidacy_seconds)
                    pause = _FIRST_PAUSE_SECONDS
                except DatabaseUnavailableError:  # its component tells
                    await self._sleep(_LONGEST_PAUSE_SECONDS)
                except Exception as error:  # noqa: BLE001 - one bad message, or a bug, must not end the relay
                    _log.error("outbox relay failed", collection=self._store.name, exc_info=error)
                    await self._sleep(pause)
                    pause = min(pause * 2, _LONGEST_FAILURE_PAUSE_SECONDS)
        finally:
            with suppress(OperationError), timeout(_LAST_WORD_SECONDS):
                await self._mark()
            await self._lease.release()

    async def _lead(self) -> None:
        """Send, for as long as the lease is ours."""
        _log.debug("relaying", collection=self._store.name, term=self._lease.term)
        while self._may_send():
            self._wake.clear()  # before looking: what is committed from here on wakes us again
            if self._stopping.is_set():
                break
            await self._mark()
            self._tell_parked()
            for messages in self._embedded:
                await messages.collect(self._store, limit=self._config.batch_size)
            # After an outage one message tries whether the broker is there.
            records = await self._store.due(1 if self._outage_pause else self._config.batch_size)
            if records:
                await self._round(records)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._config.poll_interval_seconds):
                        await self._wake.wait()
        if not self._stopping.is_set():
            _log.warning("outbox lease lost", collection=self._store.name, term=self._lease.term)

    async def _round(self, records: list[Record]) -> None:
        outcome = Outcome()
        try:
            await send_all(records, self._sender, outcome, may_send=self._may_send)
        finally:
            self._confirmed.update(outcome.confirmed)
        await self._mark()
        for record, error in outcome.refused:
            await self._refused(record, error)
        unanswered = [record for record, _ in outcome.unavailable]
        if outcome.confirmed or outcome.refused:
            self._broker_is_there()
            # It may be the message: others come first.
            await self._store.postpone(unanswered, _LONGEST_PAUSE_SECONDS)
        elif unanswered:
            await self._wait_for_broker(unanswered, outcome.unavailable[0][1])

    async def _mark(self) -> None:
        """Mark as sent what was confirmed; what cannot be marked now is kept for the next time."""
        if self._confirmed:
            await self._store.sent(self._confirmed)
            self._confirmed.clear()

    async def _refused(self, record: Record, error: Exception) -> None:
        attempts = record.attempts + 1
        cause = f"{type(error).__name__}: {error}"
        if attempts < self._config.max_attempts:
            pause = min(self._config.retry_seconds * 2 ** (attempts - 1), _LONGEST_RETRY_SECONDS)
            await self._store.refused(record, cause, retry_in_seconds=pause)
            return
        await self._store.refused(record, cause, retry_in_seconds=None)
        self._parked.append((record, cause))

    def _tell_parked(self) -> None:
        """Tell of what was parked, in one line every now and then: a missing queue can park thousands."""
        now = time.monotonic()
        if not self._parked or now < self._quiet_until:
            return
        record, cause = self._parked[0]
        _log.error(
            "outbox messages parked",
            collection=self._store.name,
            count=len(self._parked),
            message_id=record.id,
            exchange=record.message.exchange,
            routing_key=record.message.routing_key,
            attempts=record.attempts + 1,
            cause=cause,
        )
        self._parked.clear()
        self._quiet_until = now + _QUIET_SECONDS

    async def _wait_for_broker(self, unanswered: list[Record], error: Exception) -> None:
        """Pause; those that found nobody wait longer than that, so that it is another one that tries next."""
        now = time.monotonic()
        if not self._outage_pause and now > self._outage_quiet_until:
            self._is_outage_told = True
            self._outage_quiet_until = now + _OUTAGE_QUIET_SECONDS
            reason = f"{type(error).__name__}: {error}"
            _log.warning("outbox waits for the broker", collection=self._store.name, reason=reason)
        self._outage_pause = min(max(self._outage_pause * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        await self._store.postpone(unanswered, 2 * self._outage_pause)
        await self._sleep(self._outage_pause)

    def _broker_is_there(self) -> None:
        self._outage_pause = 0.0
        if self._is_outage_told:
            self._is_outage_told = False
            _log.info("outbox goes on", collection=self._store.name)

    def _may_send(self) -> bool:
        return self._lease.is_held and not self._stopping.is_set()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
