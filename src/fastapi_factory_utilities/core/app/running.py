"""Plugins running: started in order, stopped in reverse, each within its budget, every failure told (NFR11, NFR14).

Each plugin lives in a task of its own, which enters and leaves its lifespan. So a stop that hangs, or that swallows its
cancellation, costs its share of the grace period and no more, and cancel scopes are left in the task that entered them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginStartError, PluginStopError

__all__ = ["running"]

_log = get_logger(__name__)

_LAST_WORD_SECONDS = 0.5
_USUAL_STOP_SECONDS = 2.0


@asynccontextmanager
async def running(
    plugins: Iterable[PluginAbstract[Any]], *, start_seconds: float = 30.0, grace_seconds: float = 30.0
) -> AsyncIterator[None]:
    """Run plugins for as long as the body lasts.

    Args:
        plugins: In the order of their start.
        start_seconds: How long each may take to start.
        grace_seconds: How long all may take to stop; each gets an equal share of what is left when its turn
            comes, and up to 2 s where that is less and no more than a third of what is left.

    Raises:
        PluginStartError: One failed to start; those before it were stopped.
        ExceptionGroup: Several things failed: the start, or the body, and then the stop of some plugins.
    """
    started: list[_Run] = []
    failures: list[Exception] = []
    try:
        for plugin in plugins:
            run = _Run(plugin)
            await run.start(start_seconds)
            started.append(run)
        yield
    except Exception as error:  # noqa: BLE001 - raised again below, together with what fails while stopping
        failures.append(error)
    except BaseException:
        # Cancelled or interrupted: that is what the caller must see; what fails meanwhile can only be logged.
        for failure in await _stop(started, grace_seconds):
            _log.error("plugin failed to stop", exc_info=failure)
        raise
    failures += await _stop(started, grace_seconds)
    if len(failures) == 1 and not isinstance(failures[0], PluginStopError):
        raise failures[0]
    if failures:
        raise ExceptionGroup("; ".join(str(failure) for failure in failures), failures)


async def _stop(started: list["_Run"], grace_seconds: float) -> list[Exception]:
    """Stop in reverse; whatever one does, the next gets its turn."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace_seconds
    failures: list[Exception] = []
    while started:
        left = max(0.0, deadline - loop.time())
        # Of many plugins few need long: an equal share would give each of ten a second, and nine of those to nobody.
        share = max(left / len(started), min(left / 3, _USUAL_STOP_SECONDS))
        try:
            await started.pop().stop(share)
        except PluginStopError as error:
            failures.append(error)
    return failures


class _Run:
    """One plugin's life, in a task of its own."""

    def __init__(self, plugin: PluginAbstract[Any]) -> None:
        self._plugin = plugin
        self._started = asyncio.Event()
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._live(), name=f"plugin {plugin.name}")

    async def _live(self) -> None:
        # The exit is always a normal one: a plugin is never blamed for another's failure.
        async with self._plugin.lifespan():
            self._started.set()
            await self._leave.wait()

    async def start(self, seconds: float) -> None:
        name = self._plugin.name
        waiting = asyncio.create_task(self._started.wait())
        try:
            await asyncio.wait({waiting, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self._end(_LAST_WORD_SECONDS)
            raise
        finally:
            waiting.cancel()
        if self._started.is_set():
            return
        if not self._task.done():
            await self._end(_LAST_WORD_SECONDS)
            raise PluginStartError(f"{name} did not start within {seconds:g} s", plugin=name, phase="start")
        cause = self._failure()
        raise PluginStartError(f"{name} failed to start: {_in_words(cause)}", plugin=name, phase="start") from cause

    async def stop(self, seconds: float) -> None:
        name = self._plugin.name
        self._leave.set()
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            await self._end(_LAST_WORD_SECONDS)
            raise PluginStopError(f"{name} did not stop within {seconds:.3g} s", plugin=name, phase="stop")
        cause = self._failure()
        if cause is not None:
            raise PluginStopError(f"{name} failed to stop: {_in_words(cause)}", plugin=name, phase="stop") from cause

    async def _end(self, seconds: float) -> None:
        """Cancel, and wait only so long: a task that swallows its cancellation is left behind, and said so."""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            _log.error("plugin ignores its cancellation", plugin=self._plugin.name)
        else:
            self._failure()

    def _failure(self) -> BaseException | None:
        """Return what ended the task; asking also keeps asyncio from reporting it a second time."""
        return asyncio.CancelledError("cancelled") if self._task.cancelled() else self._task.exception()


def _in_words(cause: BaseException | None) -> str:
    if cause is None:
        return "its lifespan ended before it yielded"
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
