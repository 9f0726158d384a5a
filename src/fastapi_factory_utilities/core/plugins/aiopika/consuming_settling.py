"""Acknowledgements, gathered and told to the broker."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.logs import get_logger

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, TaskType


__all__ = ["Settling"]

_log = get_logger(__name__)


class Settling:
    """Tells the broker of one channel's messages which are done with and which are given back.

    What is settled in one turn of the event loop goes out together: messages that are done with up to a point cost one
    frame. Nobody waits for it, so a line that breaks or stalls holds no handler; what could not be told any more is
    delivered again.

    Args:
        channel: Where the messages come from.
    """

    def __init__(self, channel: "AbstractChannel") -> None:
        self._channel = channel
        self._open: dict[int, None] = {}  # delivery tags in their order
        self._acked: list[int] = []
        self._nacked: list[tuple[int, bool]] = []
        self._sending: TaskType | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the channel is gone."""
        return self._channel.is_closed

    def opened(self, tag: int) -> None:
        """Take note of a delivery."""
        self._open[tag] = None

    def ack(self, tag: int) -> None:
        """Settle a delivery: done with."""
        self._open.pop(tag, None)
        self._acked.append(tag)
        if self._sending is None:
            self._start()

    def nack(self, tag: int, *, requeue: bool) -> None:
        """Settle a delivery: given back, or to be dropped."""
        self._open.pop(tag, None)
        self._nacked.append((tag, requeue))
        if self._sending is None:
            self._start()

    async def flushed(self) -> None:
        """Wait until all that was settled is handed to the driver, or cannot be any more."""
        if self._sending is not None:
            try:
                await self._sending
            except BaseException:
                if not self._channel.is_closed:
                    raise

    def _start(self) -> None:
        if self._channel.is_closed:
            _log.debug("settled too late, the broker delivers it again", count=len(self._acked) + len(self._nacked))
            self._acked, self._nacked = [], []
            return
        # A task of the channel: it ends with it, even while the driver waits for a line that is dead.
        self._sending = self._channel.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._acked or self._nacked:
                acked, nacked = self._acked, self._nacked
                self._acked, self._nacked = [], []
                first_open = next(iter(self._open), None)
                for tag, requeue in nacked:
                    await self._channel.basic_nack(tag, requeue=requeue, wait=False)
                together = [tag for tag in acked if first_open is None or tag < first_open]
                if together:
                    await self._channel.basic_ack(max(together), multiple=len(together) > 1, wait=False)
                for tag in acked:
                    if first_open is not None and tag > first_open:
                        await self._channel.basic_ack(tag, wait=False)
        except Exception as error:  # noqa: BLE001 - the line broke: the broker delivers them again
            _log.debug("could not be settled, the broker delivers it again", error=type(error).__name__)
        finally:
            self._sending = None
