"""Keeping a line to the broker up: one after another, one host after another, with pauses that grow."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from aiormq.exceptions import AMQPConnectionError, AMQPError, InvalidFrameError

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika.backoff import Backoff
from fastapi_factory_utilities.core.plugins.aiopika.errors import BrokerUnavailableError
from fastapi_factory_utilities.core.plugins.aiopika.handling_failures import FailureLog
from fastapi_factory_utilities.core.plugins.aiopika.line import Line

if TYPE_CHECKING:
    from pydantic import SecretStr

    from fastapi_factory_utilities.core.plugins.aiopika.config import AiopikaConfig

__all__ = ["Keeping"]

_log = get_logger(__name__)

_GOODBYE_SECONDS: Final = 0.5
_STABLE_SECONDS: Final = 5.0
_FLAPPING: Final = 5  # lines in a row that did not last
_SLOWER: Final = 4
# What a line ends with when it is the line that ends; anything else is a frame that the driver could not read.
_LOSSES: Final = (AMQPError, OSError, EOFError, asyncio.CancelledError, type(None))


class Keeping:
    """Makes one line after another, until it is cancelled.

    Args:
        config: The section `aiopika`.
        name: What the broker calls the connection.
        prepare: What is done with each line before it is ready.
        on_ready: Called whenever a line is ready.
        on_lost: Told why, whenever a line is lost.
    """

    def __init__(
        self,
        config: "AiopikaConfig",
        name: str,
        *,
        prepare: Callable[[], Awaitable[None]],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._name = name
        self._urls: Sequence[SecretStr] = config.urls()
        self._connection_timeout_seconds = config.connection_timeout_seconds
        self._prepare = prepare
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._backoff = Backoff(config.reconnect_base_seconds, config.reconnect_max_seconds)
        self._slow_backoff = Backoff(config.reconnect_base_seconds, _SLOWER * config.reconnect_max_seconds)
        self._flaps = 0
        self._failures = FailureLog()
        self._is_careful = False
        self.line: Line | None = None
        self.last_error: str | None = "not connected yet"
        self.tried: asyncio.Event = asyncio.Event()
        self.ready: asyncio.Event = asyncio.Event()

    @property
    def _is_flapping(self) -> bool:
        """Whether lines do not last: no reason to hurry, and none to say the same every second."""
        return self._flaps >= _FLAPPING

    async def run(self) -> None:
        """Keep a line up; the first attempt begins at once."""
        loop = asyncio.get_running_loop()
        urls = random.sample(self._urls, len(self._urls))  # so that a fleet does not gather on the first host
        failures = 0
        while True:
            line = Line(
                urls[failures % len(urls)],
                self._name,
                tell_unreadable=self._tell_unreadable if self._is_careful else None,
            )
            try:
                await line.connect_within(self._connection_timeout_seconds)
            except Exception as error:  # noqa: BLE001 - the driver has many kinds; each means "not connected"
                failures += 1
                self._tell_failure(line, error, failures)
                if failures % len(urls) == 0:  # a cluster's other hosts are tried at once
                    await asyncio.sleep(self._backoff.pause(failures // len(urls)))
                continue
            failures = 0
            began = loop.time()
            await self._offer(line)
            self._flaps = self._flaps + 1 if loop.time() - began < _STABLE_SECONDS else 0
            backoff = self._slow_backoff if self._is_flapping else self._backoff
            await asyncio.sleep(backoff.pause(self._flaps + 1))

    async def _offer(self, line: Line) -> None:
        """Offer a line until it is lost."""
        self.line, self.last_error = line, None
        self.tried.set()
        tell = _log.debug if self._is_flapping else _log.info
        tell("broker connected", connection=self._name, host=line.address)
        preparing = asyncio.create_task(self._prepare_for(line), name=f"amqp {self._name} prepare")
        error: BaseException | None = None
        try:
            error = await line.lost()
        finally:
            self.line, self.last_error = None, _told(error)
            self.ready.clear()
            preparing.cancel()
            await line.hang_up(0 if error else _GOODBYE_SECONDS)
            await asyncio.wait({preparing})
        if isinstance(error, InvalidFrameError) or not isinstance(error, _LOSSES):
            self._is_careful = True
        tell = _log.debug if self._is_flapping else _log.warning
        tell("broker connection lost", connection=self._name, host=line.address, reason=self.last_error)
        if not self._is_flapping:
            self._on_lost(self.last_error)

    async def _prepare_for(self, line: Line) -> None:
        try:
            await self._prepare()
        except (AMQPError, BrokerUnavailableError, OSError) as error:
            _log.debug("broker lost before it was prepared", connection=self._name, error=type(error).__name__)
            line.cut()
        except Exception as error:  # noqa: BLE001 - without this, everybody would wait for ready() without a word
            _log.error("broker could not be prepared", connection=self._name, exc_info=error)
            line.cut()
        else:
            if self.line is line:
                self.ready.set()
                if not self._is_flapping:
                    self._on_ready()

    def _tell_unreadable(self, names: list[str]) -> None:
        event = "message properties cannot be read, left out"
        self._failures.tell(_log.warning, event, event, connection=self._name, properties=names)

    def _tell_failure(self, line: Line, error: BaseException, failures: int) -> None:
        self.last_error = _told(error)
        self.tried.set()
        tell = _log.warning if failures == 1 else _log.debug
        tell("broker not reached", connection=self._name, host=line.address, reason=self.last_error)


def _told(error: BaseException | None) -> str:
    """Put an error of the driver in words."""
    if error is None or isinstance(error, asyncio.CancelledError):
        return "the line was cut"
    if isinstance(error, AMQPConnectionError) and error.args:
        said = " ".join(str(part) for part in error.args)
        return f"{type(error).__name__}: {said}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
