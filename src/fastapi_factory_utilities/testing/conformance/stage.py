"""Where a plugin is tested: a real application, real configuration, an event loop of its own, nothing left behind."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.redaction import preserved_secrets
from fastapi_factory_utilities.testing.leaks import no_leaks

__all__ = ["FailingPlugin", "build", "patience", "responsive", "run"]

_WHOLE_TEST_SECONDS = 60.0
_LEAK_SECONDS = 3.0
_BEAT_SECONDS = 0.02
# Enough that a plugin is told that it takes too long before the application gives up on it.
_GRACE_SECONDS = 30.0


class _Config(RootConfig):
    # Variables that the developer has set for a service of their own are no part of these tests.
    ENV_PREFIX: ClassVar[str] = "FFU_CONFORMANCE"


class _App(ApplicationAbstract[_Config]):
    pass


class FailingPlugin(PluginAbstract):
    """Another plugin, whose start fails."""

    async def on_startup(self) -> None:
        """Fail."""
        raise RuntimeError("this plugin fails to start, as its test wants it to")


def patience() -> float:
    """How many times as long as promised things may take on this machine: `FFU_TEST_PATIENCE`."""
    return float(os.environ.get("FFU_TEST_PATIENCE", "1"))


def build(
    plugins: Sequence[PluginAbstract[Any]], sections: Mapping[str, Mapping[str, Any]], *, log_level: str = "info"
) -> ApplicationAbstract[Any]:
    """Build an application as a service does.

    Args:
        plugins: Its plugins.
        sections: Their sections of the configuration.
        log_level: What is logged, by the plugins and by everybody else.

    Raises:
        ConfigBuilderError: The sections are wrong.
    """
    application = {
        "service_namespace": "conformance",
        "service_name": "conformance",
        "description": "A plugin on trial.",
        "version": "0",
        "environment": "production",
    }
    server = {"drain_seconds": 0, "grace_seconds": _GRACE_SECONDS * patience()}
    logging = [{"name": "root", "level": log_level}]
    return (
        ApplicationGenericBuilder(plugins=plugins, application_class=_App)
        .add_config({"application": application, "server": server, "logging": logging, **sections})
        .build()
    )


def run(work: Callable[[], Awaitable[None]], *, afterwards: Callable[[], None]) -> None:
    """Run asynchronous work in an event loop of its own; check that nothing is left and nothing failed unheard.

    Args:
        work: What to run.
        afterwards: Called between the work and the check.

    Raises:
        AssertionError: A task, thread, socket or pipe is left, or a task failed and nobody looked.
    """
    unheard: list[str] = []

    async def bounded() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(_describe(context)))
        # Inside the loop, because its end would cancel whatever tasks are left.
        async with no_leaks(deadline_seconds=_LEAK_SECONDS * patience()):
            try:
                async with asyncio.timeout(_WHOLE_TEST_SECONDS * patience()):
                    await work()
            finally:
                afterwards()
        gc.collect()  # a failed task is told of when it is collected

    with preserved_secrets(), no_leaks(deadline_seconds=_LEAK_SECONDS * patience()):
        try:
            asyncio.run(bounded())
        finally:
            reset_logging()
    if unheard:
        raise AssertionError("failures that nobody awaited or handled:\n  - " + "\n  - ".join(unheard))


def _describe(context: Mapping[str, Any]) -> str:
    error = context.get("exception")
    return f"{context['message']}: {type(error).__name__}: {error}" if error else str(context["message"])


@asynccontextmanager
async def responsive(plugin: str, *, seconds: float = 0.5) -> AsyncIterator[None]:
    """Assert that the event loop is never blocked longer than that, whatever happens inside the block.

    Raises:
        AssertionError: It was.
    """
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            longest = max(longest, time.monotonic() - began - _BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        if longest > seconds * patience():  # whatever else went wrong, went wrong because of that
            raise AssertionError(
                f"{plugin} blocked the event loop for {longest:.2f} s: no request is served meanwhile. Await what "
                "takes time; move a driver that blocks to a thread (asyncio.to_thread) with a deadline of its own"
            )
