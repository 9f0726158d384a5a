"""A uvicorn server that drains: it keeps serving while the orchestrator takes it out of rotation."""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from fastapi_factory_utilities.core.app.application import ApplicationAbstract
from fastapi_factory_utilities.core.app.slow_clients import SlowClients
from fastapi_factory_utilities.core.logs import get_logger, install_loop_exception_handler
from fastapi_factory_utilities.core.plugins import ProcessRole

__all__ = ["DrainingServer"]

_log = get_logger(__name__)

# Work begun in the last moment of the drain is on its way to us for a little while yet.
_LINGER_SECONDS = 0.2
_POLL_SECONDS = 0.02
_FORCED_SECONDS = 1.0
_TICKS_PER_SECOND = 10  # uvicorn's


class DrainingServer(uvicorn.Server):
    """Serves one application; SIGTERM drains it, a second signal forces the end.

    In the drain the service says "not ready" and goes on serving, also new connections, each for one request. Then the
    listener closes, requests in flight finish, the application stops. SIGINT, a developer's Ctrl-C, skips the wait.
    The whole takes `server.grace_seconds` at most: past them the process ends itself.

    Args:
        config: uvicorn's configuration.
        application: What it serves.
        drain_seconds: How long to go on serving after SIGTERM; by default `server.drain_seconds`.
    """

    def __init__(
        self, config: uvicorn.Config, application: ApplicationAbstract[Any], *, drain_seconds: float | None = None
    ) -> None:
        super().__init__(config)
        settings = application.get_config().server
        self._application = application
        self._drain_seconds = settings.drain_seconds if drain_seconds is None else drain_seconds
        self._grace_seconds = settings.grace_seconds
        self._stop_seconds = settings.stop_seconds
        self._slow_clients = SlowClients(settings.timeout_receive_seconds)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signal: int | None = None
        self._signal_at = 0.0
        self._in_flight_at_signal = 0
        self._served_at_signal = 0
        self._ends_by_itself: threading.Timer | None = None

    @property
    def was_forced(self) -> bool:
        """Whether a second signal ended it before its time."""
        return self.force_exit

    @property
    def failed_to_stop(self) -> bool:
        """Whether the application told a failure while it stopped."""
        return self.started and self.lifespan.should_exit

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving. Unlike uvicorn's own, a clean stop does not die of the signal afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Begin to drain at the first signal, force the end at the second."""
        if self._signal is not None:
            self.should_exit = self.force_exit = True
            self._end_process_after(_FORCED_SECONDS)
            return
        self._signal, self._signal_at = sig, time.monotonic()
        if self._loop is None or not self.started:
            self.should_exit = True
            return
        self._end_process_after(self._grace_seconds)
        self._loop.call_soon_threadsafe(self._begin_drain)

    def close_if_unfinished(self) -> None:
        """Call the end of the process off: everything ended in time."""
        if self._ends_by_itself is not None:
            self._ends_by_itself.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen, then say where."""
        self._loop = asyncio.get_running_loop()
        install_loop_exception_handler(self._loop)
        await super().startup(sockets)
        config = self._application.get_config()
        where = {"url": _url(self.config, sockets)} if sockets is None or sockets else {}
        role = self._application.role
        _log.info(
            "listening" if where else "running",
            **where,
            **({} if role is ProcessRole.WEB else {"role": role.value}),
            service=config.application.service_name,
            version=config.application.version,
            environment=config.application.environment.value,
            plugins=[plugin.name for plugin in self._application.plugins],
        )

    async def on_tick(self, counter: int) -> bool:
        """Do what has to be done again and again; say whether to stop."""
        if counter % _TICKS_PER_SECOND == 0:
            self._slow_clients.sweep(self.server_state.connections)
        return await super().on_tick(counter)

    def _begin_drain(self) -> None:
        self._in_flight_at_signal = len(self.server_state.tasks)
        self._served_at_signal = self.server_state.total_requests
        self._application.begin_drain()
        wait = 0.0 if self._signal == signal.SIGINT else self._drain_seconds
        if self._loop is not None and wait:
            self._loop.call_later(wait + _LINGER_SECONDS / 2, self._stop_serving)
        else:
            self._stop_serving()

    def _stop_serving(self) -> None:
        self.should_exit: bool = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let what is in flight finish, stop the application, and report."""
        self._application.begin_drain()
        drained = time.monotonic()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        if not self.force_exit:
            await asyncio.sleep(_LINGER_SECONDS)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        given_back = await self._finish_work(drained)
        finished = time.monotonic()
        if not self.force_exit:
            await self.lifespan.shutdown()
        self._report(drained, finished, given_back)

    async def _finish_work(self, drained: float) -> int:
        """Wait for what is in flight; cancel requests that outlast their share, and return how many.

        Messages and tasks that outlast it are given back by their plugins, when these stop.
        """
        began = self._signal_at or drained
        deadline = max(began + self._grace_seconds - self._stop_seconds - _FORCED_SECONDS, drained)
        state, work = self.server_state, self._application.work
        while not self.force_exit and time.monotonic() < deadline:
            if not (state.connections or state.tasks or work.in_flight()):
                return 0
            await asyncio.sleep(_POLL_SECONDS)
        late = list(state.tasks)
        for task in late:
            task.cancel("the grace period is over")
        if late:
            await asyncio.wait(late, timeout=_FORCED_SECONDS / 2)
        return len(late)

    def _report(self, drained: float, finished: float, given_back: int) -> None:
        """Tell, for machines, what the stop did with the work and how long each phase took."""
        began = self._signal_at or drained
        now = time.monotonic()
        work = self._application.work.report()
        _log.info(
            "drained",
            signal=signal.Signals(self._signal).name if self._signal is not None else None,
            forced=self.force_exit,
            in_flight=self._in_flight_at_signal,
            finished=self.server_state.total_requests - self._served_at_signal,
            given_back=given_back,
            **({"work": work} if work else {}),
            drain_seconds=round(drained - began, 3),
            requests_seconds=round(finished - drained, 3),
            stop_seconds=round(now - finished, 3),
            total_seconds=round(now - began, 3),
        )

    def _end_process_after(self, seconds: float) -> None:
        """End the process by force then, whatever holds it: a blocked event loop can not end itself."""
        if self._ends_by_itself is not None:
            self._ends_by_itself.cancel()
        self._ends_by_itself = threading.Timer(seconds, _end_process, args=(seconds,))
        self._ends_by_itself.daemon = True
        self._ends_by_itself.start()


def _end_process(seconds: float) -> None:
    _log.error("stop took too long, ending the process", seconds=seconds)
    sys.stdout.flush()
    os._exit(1)


def _url(config: uvicorn.Config, sockets: list[socket.socket] | None) -> str:
    """Say where the service can be opened from this machine."""
    host, port = sockets[0].getsockname()[:2] if sockets else (config.host, config.port)
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{'https' if config.is_ssl else 'http'}://{host}:{port}"
