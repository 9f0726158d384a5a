"""One connection to one host of the broker, which can also be cut."""

import asyncio
import contextlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
import aiormq.connection
from aio_pika import Connection
from aiormq.exceptions import AMQPConnectionError

from fastapi_factory_utilities.core.plugins.aiopika.careful_reader import CarefulReader

if TYPE_CHECKING:
    from aiormq.abc import AbstractConnection
    from pydantic import SecretStr
    from yarl import URL

__all__ = ["Line"]

_LAST_WORD_SECONDS: Final = 0.5
# Since aiormq 6.9; before, a line that is cut may keep its socket until the other side lets go of it.
_TAKES_A_TRANSPORT_FACTORY: Final = "transport_factory" in inspect.signature(aiormq.Connection.__init__).parameters


class Line(Connection):
    """A plain connection of aio-pika: it is either there or gone, and never comes back.

    Args:
        url: The host's URL.
        name: What the broker calls the connection.
        tell_unreadable: Where it is given, messages are read by a `CarefulReader`, which tells it what it finds.
    """

    def __init__(
        self, url: "SecretStr", name: str, *, tell_unreadable: Callable[[list[str]], None] | None = None
    ) -> None:
        from yarl import URL  # noqa: PLC0415 - the driver's own type, see `required`

        address = URL(url.get_secret_value())
        super().__init__(address if "name" in address.query else address.update_query(name=name))
        self._writer: asyncio.StreamWriter | None = None
        self._tell_unreadable = tell_unreadable
        if _TAKES_A_TRANSPORT_FACTORY:
            self.kwargs["transport_factory"] = _Watched(self)

    @property
    def address(self) -> str:
        """The host and its port."""
        return f"{self.url.host}:{self.url.port or aiormq.connection.DEFAULT_PORTS[self.url.scheme]}"

    @property
    def underlay(self) -> "AbstractConnection":
        """The driver's connection.

        Raises:
            AMQPConnectionError: There is none any more.
        """
        if self.transport is None:
            raise AMQPConnectionError("not connected")
        return self.transport.connection

    async def connect_within(self, seconds: float) -> None:
        """Connect; whatever happens, nothing of an attempt that failed is left.

        Raises:
            TimeoutError: It took too long.
            Exception: Whatever the driver raises.
        """
        connecting = asyncio.ensure_future(self.connect())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(connecting)
        except BaseException as error:
            connecting.cancel()
            self.cut()
            await asyncio.wait({connecting}, timeout=_LAST_WORD_SECONDS)
            await self.hang_up(0)
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"not connected within {seconds:g} s") from None
            raise

    async def lost(self) -> BaseException | None:
        """Wait until the line is gone; return why."""
        try:
            closing = self.underlay.closing
        except AMQPConnectionError as error:
            return error
        await asyncio.wait({closing})
        return None if closing.cancelled() else closing.exception()

    async def is_blocked(self) -> bool:
        """Whether the broker reads nothing from this line, for want of memory or disk."""
        if self.transport is None:
            return False
        try:
            async with asyncio.timeout(0):  # an answer that is there needs no waiting
                await self.transport.ready()
        except TimeoutError:
            return True
        return False

    async def hang_up(self, seconds: float) -> None:
        """Say goodbye to the broker; cut the line when that takes too long."""
        underlay = self.transport.connection if self.transport is not None else None
        closing = asyncio.ensure_future(self.close(AMQPConnectionError("closed by this service")))
        try:
            await asyncio.wait({closing}, timeout=seconds)
        finally:
            self.cut()
            if underlay is not None:
                _release(underlay.write_queue)
            if not closing.done():
                await asyncio.wait({closing}, timeout=_LAST_WORD_SECONDS)
            if closing.done() and not closing.cancelled():
                closing.exception()  # looked at: a goodbye that nobody heard is no failure
            else:
                closing.cancel()

    def cut(self) -> None:
        """End it at once, whatever is on its way."""
        if self._writer is not None:
            self._writer.transport.abort()


def _release(queue: "asyncio.Queue[Any]") -> None:
    """Let go of those who wait to write to a line that is gone: the driver has forgotten them."""
    loop = asyncio.get_running_loop()

    def empty(again: int) -> None:
        found = 0
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                queue.get_nowait()
                found += 1
        if again and found:
            loop.call_soon(empty, again)

    empty(1)


if _TAKES_A_TRANSPORT_FACTORY:

    class _Watched(aiormq.connection.TransportFactory):
        """Connects as the driver does, and lets the line know its writer."""

        def __init__(self, line: Line) -> None:
            self._line = line

        async def create(self, url: "URL", **kwargs: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            is_tls = url.scheme == "amqps"
            factory = aiormq.connection.TLSTransportFactory() if is_tls else aiormq.connection.TCPTransportFactory()
            reader, writer = await factory.create(url, **kwargs)
            self._line._writer = writer  # noqa: SLF001 - the two are one
            tell = self._line._tell_unreadable  # noqa: SLF001 - likewise
            if tell is not None:
                # The driver asks of a reader only what this one has.
                reader = cast("asyncio.StreamReader", CarefulReader(reader, tell))
            return reader, writer
