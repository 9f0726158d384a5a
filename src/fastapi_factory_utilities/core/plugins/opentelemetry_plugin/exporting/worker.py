"""The one thread that exports: it encodes, sends and waits, so that nobody else has to."""

import threading
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.lane import Lane
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.voice import Voice

__all__ = ["Worker"]

_log = get_logger(__name__)

_LONGEST_NAP_SECONDS: Final = 30.0
_AFTER_A_MISTAKE_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 0.2


class Worker:
    """Serves lanes in a daemon thread until it is told to stop.

    Args:
        lanes: What to serve, in the order in which they are flushed.
        voice: Who reminds of losses.
    """

    def __init__(self, lanes: Sequence[Lane], voice: Voice) -> None:
        self._lanes = tuple(lanes)
        self._voice = voice
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._flush_before: float | None = None
        self._flushed = 0  # times
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="telemetry export", daemon=True)

    @property
    def thread_id(self) -> int | None:
        """The thread's identifier; `None` before it runs."""
        return self._thread.ident

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the lanes now."""
        self._wake.set()

    def flush(self, seconds: float) -> bool:
        """Send all that waits, and wait for that. For threads other than the event loop's.

        Returns:
            Whether it was done in time; not whether the collector took everything.
        """
        with self._changed:
            wanted = self._flushed + 1
            self._flush_before = monotonic() + seconds
            self._wake.set()
            return self._changed.wait_for(lambda: self._flushed >= wanted or not self._thread.is_alive(), seconds)

    def stop(self, seconds: float) -> bool:
        """Send all that waits, end the thread, and wait for that. For threads other than the event loop's.

        Args:
            seconds: How much time there is; what is still under way then is broken off.

        Returns:
            Whether the thread ended.
        """
        self._flush_before = monotonic() + seconds
        self._stopping = True
        self._wake.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            for lane in self._lanes:
                lane.transport.abort()
            self._thread.join(_GRACE_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._serve()
            except Exception as error:  # noqa: BLE001 - a thread that dies would leave the queues full for ever
                _log.error("telemetry export made a mistake", exc_info=error)
                self._wake.clear()
                self._wake.wait(_AFTER_A_MISTAKE_SECONDS)
        try:
            self._finish(self._flush_before or 0.0)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("telemetry export made a mistake", exc_info=error)
        for lane in self._lanes:
            lane.transport.close()

    def _serve(self) -> None:
        while not self._stopping:
            self._wake.clear()
            if self._flush_before is not None:
                self._flush_for_others()
            busy = [lane.step(monotonic()) for lane in self._lanes]
            self._voice.remind()
            if not any(busy) and not self._stopping:
                next_at = min(lane.next_at() for lane in self._lanes)
                self._wake.wait(max(0.0, min(next_at - monotonic(), _LONGEST_NAP_SECONDS)))

    def _flush_for_others(self) -> None:
        before = self._flush_before or 0.0
        self._flush(before)
        with self._changed:
            if not self._stopping:
                self._flush_before = None
            self._flushed += 1
            self._changed.notify_all()

    def _finish(self, before: float) -> None:
        self._flush(before)
        for lane in self._lanes:
            lane.abandon()
        self._voice.remind(last=True)
        with self._changed:
            self._flushed += 1
            self._changed.notify_all()

    def _flush(self, before: float) -> None:
        for lane in self._lanes:
            while (now := monotonic()) < before:
                if lane.step(now, before=before, flushing=True):
                    continue
                again = lane.waits_until
                if again is None or again >= before:
                    break
                sleep(max(0.0, again - monotonic()))
