"""Consuming whenever the broker is there."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika.consuming import Consuming
from fastapi_factory_utilities.core.plugins.aiopika.consuming_lines import line_errors
from fastapi_factory_utilities.core.plugins.aiopika.consuming_sources import source_of
from fastapi_factory_utilities.core.plugins.aiopika.errors import AiopikaPluginBaseError, BrokerUnavailableError
from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue

__all__ = ["ConsumingLoop"]

_log = get_logger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 1.0
_WITHOUT_A_WORD: Final = 3  # failures in a row: a broker that has just come back is slow to answer


class ConsumingLoop:
    """Consumes, and begins again after each loss, as soon as the broker is there.

    Args:
        consuming: What takes the messages.
        connection: The plugin's, or one of aio-pika.
        topology: What must exist, the queue first; declared again where the queue is found missing.
        name: What to call it in logs.
    """

    def __init__(
        self,
        consuming: Consuming,
        connection: Any,  # noqa: ANN401 - see `source_of`
        topology: Sequence[Exchange | Queue],
        name: str,
    ) -> None:
        self._consuming = consuming
        self._connection = connection
        self._source = source_of(connection)
        self._topology = topology
        self._name = name
        self._failures = 0
        self._told: str | None = None

    async def run(self) -> None:
        """Go on until paused or cancelled."""
        while not self._consuming.is_paused:
            try:
                await self._consume()
            except AiopikaPluginBaseError as error:
                self._failures += 1
                self._tell(str(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the listener without a word
                self._failures += 1
                self._tell(f"{type(error).__name__}: {error}")
            pause = _FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10) if self._failures else 0.0
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))

    async def _consume(self) -> None:
        """Consume until that is over.

        Raises:
            AiopikaPluginBaseError: It could not begin.
        """
        await self._connection.ready()
        if hasattr(self._connection, "problem_with") and (problem := self._connection.problem_with(self._topology[0])):
            raise problem
        with line_errors("a channel could not be opened"):
            channel = await self._source.open_channel(confirmed=False)
        try:
            with line_errors(f"the queue {self._topology[0].name!r} could not be consumed"):
                await self._consuming.begin(channel)
            self._begun()
            await self._consuming.lost()
        except BrokerUnavailableError as error:
            if type(error.__cause__).__name__ == "ChannelNotFoundEntity":
                await self._declare()
            raise
        finally:
            if not self._consuming.is_paused and not channel.is_closed:
                await _close(channel)

    async def _declare(self) -> None:
        """Declare what somebody has deleted."""
        for item in self._topology:
            await replace(item).set_robust_connection(self._connection).setup()

    def _begun(self) -> None:
        self._failures = 0
        if self._told is not None:
            _log.info("listener consumes again", listener=self._name)
            self._told = None

    def _tell(self, reason: str) -> None:
        if self._failures > _WITHOUT_A_WORD and reason != self._told:
            self._told = reason
            _log.warning("listener cannot consume", listener=self._name, reason=reason)


async def _close(channel: Any) -> None:  # noqa: ANN401 - the driver's channel, whose interface has no deadline
    try:
        with line_errors("a channel could not be closed"):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()
    except BrokerUnavailableError as error:
        _log.debug("channel could not be closed", error=type(error).__name__)
