"""What an outgoing call costs through the whole pipeline, against bare aiohttp.

GET and the answer's JSON over loopback, one call after another, to a server in another process; the CPU of the client's
process per call, on uvloop, telemetry's threads included. Every variant acquires a session for each call, as handlers
of requests do; bare aiohttp has one session for all. Goals are microseconds more than bare aiohttp in the same round.
Run it with `python -m benchmarks.bench_http`; see `benchmarks/_harness.py`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import aiohttp
import uvloop

from benchmarks._harness import Report, Server, arguments, finish, uvicorn_command
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, AioHttpPlugin, AioHttpResourceDepends
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.testing.running import lifespan

CALLS = 150
BARE = "bare aiohttp"

type Call = Callable[[], Awaitable[object]]


class Config(RootConfig):
    """A service's configuration."""


class App(ApplicationAbstract[Config]):
    """A service without anything."""


async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Serve a small document, and take spans like a collector."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = b"" if scope["path"].startswith("/v1/") else b'{"id": 1, "title": "The Left Hand of Darkness"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Added(Report):
    """A report whose goals are costs beyond those of the baseline."""

    def added(self, name: str) -> float:
        """Return what a subject costs more than the baseline, the median over the rounds."""
        return median(cost - base for cost, base in zip(self.samples[name], self._base(name), strict=True))

    def verdict(self, name: str) -> str:
        """Compare what is added with the goal, and say it."""
        verdict = super().verdict(name)
        if verdict in {"met", "MISSED"}:
            added = self.added(name)
            return f"{'met' if added <= self.goals[name] else 'MISSED'} ({added:+.1f} us)"
        return verdict


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=3, restarts=5)
    report = Added(
        "An outgoing call (goals: us more than bare aiohttp)",
        unit="us CPU per call",
        baseline=BARE,
        goals={"ours": 15.0, "ours, spans at 10 %": 25.0},
    )
    calls = 20 if options.quick else CALLS
    for _ in range(options.restarts):
        with Server(uvicorn_command("benchmarks.bench_http:answer", factory=False)) as server:
            loop = uvloop.new_event_loop()
            try:
                loop.run_until_complete(measure(report, loop, server.port, options.rounds, calls, quick=options.quick))
            finally:
                loop.close()
    finish([report], options)


async def measure(
    report: Added, loop: asyncio.AbstractEventLoop, port: int, rounds: int, calls: int, *, quick: bool
) -> None:
    """Start every variant once, and measure them."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{port}/books/1"

        async def bare() -> object:
            async with session.get(url) as response:
                return await response.json()

        subjects: dict[str, Call] = {BARE: bare, "ours": through(await client(stack, port, None))}
        for ratio in (0.1, 1.0):
            subjects[f"ours, spans at {ratio:.0%}".replace("%", " %")] = through(await client(stack, port, ratio))
        # The harness is synchronous, and these calls are not: it runs in a thread, and the loop goes on meanwhile.
        turns = {name: cpu_of(call, loop, calls) for name, call in subjects.items()}
        slices = 1 if quick else 12
        await asyncio.to_thread(report.collect, turns, rounds=rounds, slices=slices)


async def client(stack: AsyncExitStack, port: int, ratio: float | None) -> AioHttpClientResource:
    """Run an application that has a client of the server, and telemetry at a ratio."""
    plugins: list[PluginAbstract[Any]] = [AioHttpPlugin()]
    if ratio is not None:
        section = {"endpoint": f"http://127.0.0.1:{port}", "tracer_config": {"sampling_ratio": ratio}}
        plugins.append(OpenTelemetryPlugin(OpenTelemetryConfig.model_validate(section), environ={}))
    about = {"service_namespace": "bench", "service_name": "bench", "description": "", "version": "0"}
    app = (
        ApplicationGenericBuilder(plugins=plugins, application_class=App)
        .add_config({"application": {**about, "environment": "production"}})
        .add_config({"logging": [{"name": "root", "level": "error"}]})
        .add_config({"dependencies": {"http": {"books": {"url": f"http://127.0.0.1:{port}/books"}}}})
        .build()
    )
    await stack.enter_async_context(lifespan(app))
    return AioHttpResourceDepends("books").of(app.get_asgi_app())


def through(resource: AioHttpClientResource) -> Call:
    """A call as a handler makes it."""

    async def call() -> object:
        async with resource.acquire_client_session() as session, session.get("/1") as response:
            return await response.json()

    return call


def cpu_of(call: Call, loop: asyncio.AbstractEventLoop, calls: int) -> Callable[[], float]:
    """Return a function that measures one slice: the process's CPU per call, in microseconds."""

    async def drive() -> float:
        for _ in range(max(1, calls // 4)):  # caches that the variant before left cold
            await call()
        began = time.process_time_ns()
        for _ in range(calls):
            await call()
        return (time.process_time_ns() - began) / calls / 1000

    return lambda: asyncio.run_coroutine_threadsafe(drive(), loop).result()


if __name__ == "__main__":
    main()
