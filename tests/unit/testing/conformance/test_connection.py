"""A good plugin passes every check of the conformance suite, and each bad one fails the check of its fault."""

import asyncio
import contextlib
import importlib
import logging
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import ConfigDict, SecretStr

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import ConnectionConfig, ConnectionPlugin, Provided
from fastapi_factory_utilities.core.services.status import ComponentInstanceType, HealthCheckConfig
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance

_log = get_logger(__name__)


class LineConfig(ConnectionConfig):
    url: SecretStr


class LineClient:
    """A client that keeps one connection, and makes another when it broke."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, question: bytes) -> bytes:
        async with self._one_at_a_time:
            try:
                if self._connection is not None and self._connection[0].at_eof():
                    self.close()  # a connection that ended while nobody used it is no failure
                reader, writer = await self._connected()
                writer.write(question + b"\n")
                return await reader.readuntil(b"\n")
            except BaseException:
                self.close()  # out of step: the answer of this question must not be the next one's
                raise

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is None:
            parts = urlsplit(self._url.get_secret_value())
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            self._connection = reader, writer
            if parts.username:
                writer.write(f"auth {parts.username} {unquote(parts.password or '')}\n".encode())
                if await reader.readline() != b"welcome\n":
                    raise ConnectionRefusedError("the server does not know this user")
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection[1].transport.abort()
            self._connection = None


class LinePlugin(ConnectionPlugin[LineConfig, LineClient]):
    section = "line"
    component = "cache:line"
    provides = Provided[LineClient]("line_client", plugin="LinePlugin")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        client = LineClient(self.config.url)
        try:
            yield client
        finally:
            client.close()

    async def ping(self, client: LineClient) -> object:
        return await client.ask(b"ping")


class TestGoodPlugin(ConnectionPluginConformance):
    """All that the suite has, inherited, passes."""

    def make_plugin(self) -> LinePlugin:
        return LinePlugin()

    def make_config(self, uri: str) -> dict[str, object]:
        return {"url": uri}

    @pytest.fixture
    def backend_uri(self, line_server_uri: str) -> str:
        return line_server_uri


# --- bad plugins, each the good one with one fault ---

_forgotten: list[Any] = []


@pytest.fixture(autouse=True)
def cleaned_up() -> Iterator[None]:
    """End what bad plugins leave behind."""
    yield
    while _forgotten:
        left = _forgotten.pop()
        if isinstance(left, socket.socket):
            left.close()
        elif isinstance(left, threading.Event):
            left.set()


class LeaksTask(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        _forgotten.append(asyncio.create_task(asyncio.sleep(3600), name="forgotten"))
        async with super().open() as client:
            yield client


class LeaksSocket(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        _forgotten.append(socket.socket())
        async with super().open() as client:
            yield client


class LeaksThread(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        _forgotten.append(end := threading.Event())
        threading.Thread(target=end.wait, name="forgotten", daemon=True).start()
        async with super().open() as client:
            yield client


class FailsUnheard(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async def fail() -> None:
            raise KeyError("nobody listens")

        _ = asyncio.create_task(fail())  # noqa: RUF006 - the fault that is looked for
        async with super().open() as client:
            yield client


class OpensWhenLoaded(LinePlugin):
    def on_load(self) -> None:
        _forgotten.append(socket.socket())


class FailsToStop(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            yield client
        raise KeyError("cannot stop")


class FailsToStopTwice(LinePlugin):
    async def on_shutdown(self) -> None:
        raise KeyError("stopped already")


class HangsInStop(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            yield client
            await asyncio.sleep(3600)


class NeedsBackendToStart(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            await self.ping(client)
            yield client


class NeedsBackendToStop(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            yield client
            while True:
                with contextlib.suppress(OSError):
                    await client.ask(b"bye")
                    break
                await asyncio.sleep(0.05)


class NeverRecovers(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            with contextlib.suppress(OSError):
                await client.ask(b"ping")

            async def connected_once() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
                if client._connection is None:
                    raise ConnectionError("gone for good")
                return client._connection

            client._connected = connected_once  # type: ignore[method-assign]  # the fault that is looked for
            yield client


class Lies(LinePlugin):
    async def ping(self, client: LineClient) -> object:
        return "of course it answers"


class BlocksTheLoop(LinePlugin):
    async def ping(self, client: LineClient) -> object:
        time.sleep(0.7)  # noqa: ASYNC251 - the fault that is looked for
        return await super().ping(client)


class Flaps(LinePlugin):
    """One reconnect is an outage to it."""

    async def ping(self, client: LineClient) -> object:
        if client._connection is not None and client._connection[0].at_eof():
            client.close()
            raise ConnectionError("the connection was lost")
        return await super().ping(client)


class FlapsConfig(LineConfig):
    health_check: HealthCheckConfig = HealthCheckConfig(failure_threshold=1)


class FlapsAtOnce(Flaps):
    config_class = FlapsConfig


class Shares(LinePlugin):
    """Every application gets the first one's client."""

    client: ClassVar[LineClient | None] = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as client:
            if Shares.client is None:
                Shares.client = client
            try:
                yield Shares.client
            finally:
                if Shares.client is client:
                    Shares.client = None


class KeepsProviding(LinePlugin):
    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        async with super().lifespan():
            client = self.provides.of(self.context.asgi_app)
            yield
        self.provides.publish(self.context.asgi_app, client)


class ForgetsItsComponent(LinePlugin):
    """What it registers stays when its start is interrupted, and when it stops."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        async with super().lifespan():
            yield
        self.context.status.register_component_instance(ComponentInstanceType.from_key(self.component))


class LeavesItsComponentWhenInterrupted(LinePlugin):
    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        subject = self.context.status.register_component_instance(ComponentInstanceType.from_key("cache:extra"))
        async with super().lifespan():
            await self.ping(self.provides.of(self.context.asgi_app))
            yield
        subject.unregister()


class LogsItsUrl(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        _log.debug("connecting", url=self.config.url.get_secret_value())
        async with super().open() as client:
            yield client


class LogsItsUrlAsOthersDo(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        logging.getLogger("driver").debug("connecting to %s", self.config.url.get_secret_value())
        async with super().open() as client:
            yield client


class LogsAnErrorWithItsUrl(LinePlugin):
    async def ping(self, client: LineClient) -> object:
        try:
            return await super().ping(client)
        except OSError as error:
            _log.warning("no answer", exc_info=ConnectionError(self.config.url.get_secret_value()))
            raise ConnectionError("no answer") from error


class PlainUrlConfig(ConnectionConfig):
    url: str


class ShowsItsUrl(LinePlugin):
    config_class = PlainUrlConfig

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        client = LineClient(SecretStr(str(self.config.url)))
        try:
            yield client
        finally:
            client.close()


class RaisesItsUrl(LinePlugin):
    async def ping(self, client: LineClient) -> object:
        try:
            return await super().ping(client)
        except OSError as error:
            raise ConnectionError(f"cannot reach {self.config.url.get_secret_value()}") from error


class LaxConfig(LineConfig):
    model_config = ConfigDict(extra="allow")


class TakesAnything(LinePlugin):
    config_class = LaxConfig


class StartsAThreadWhenMade(LinePlugin):
    def __init__(self) -> None:
        super().__init__()
        _forgotten.append(end := threading.Event())
        threading.Thread(target=end.wait, name="forgotten", daemon=True).start()


class ImportsWhenMade(LinePlugin):
    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("wave")


class KnocksWhenLoaded(LinePlugin):
    def on_load(self) -> None:
        parts = urlsplit(self.config.url.get_secret_value())
        assert parts.port
        socket.create_connection((parts.hostname, parts.port)).close()


class NeverPrepared(LinePlugin):
    async def ready(self, client: LineClient) -> None:
        raise KeyError("no such index")


class SaysNothing(LinePlugin):
    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        async with self.open() as client:
            self.provides.publish(self.context.asgi_app, client)
            yield
            self.provides.withdraw(self.context.asgi_app)


class ReusesItsClient(LinePlugin):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        if not hasattr(self, "client"):
            self.client = LineClient(self.config.url)
        yield self.client
        self.client.close()


class ProvidesNothingUseful(LinePlugin):
    """Its ping asks another client than the one it provides."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LineClient]:
        async with super().open() as self.good:
            yield LineClient(SecretStr("line://127.0.0.1:1"))

    async def ping(self, client: LineClient) -> object:
        return await self.good.ask(b"ping")


def trial_of(bad: type[LinePlugin], proxy: FaultProxy) -> ConnectionPluginConformance:
    class Trial(ConnectionPluginConformance):
        def make_plugin(self) -> LinePlugin:
            return bad()

        def make_config(self, uri: str) -> dict[str, object]:
            return {"url": uri}

        async def use(self, plugin: LinePlugin, client: LineClient) -> None:
            await super().use(plugin, client)
            assert await client.ask(b"hello") == b"pong\n"

    trial = Trial()
    trial._proxy = proxy
    return trial


Check = Callable[[ConnectionPluginConformance, str, FaultProxy], None]

CAUGHT: list[tuple[type[LinePlugin], Check, str]] = [
    (ImportsWhenMade, lambda suite, _, __: suite.test_when_disabled_it_does_nothing(), "modules imported: wave"),
    (KnocksWhenLoaded, lambda suite, uri, _: suite.test_building_opens_nothing(uri), "nothing was to be opened"),
    (
        NeverPrepared,
        lambda suite, uri, _: suite.test_with_its_backend_up_it_becomes_ready_and_works(uri),
        r"not healthy and ready 5 s after its start.*no such index.*ready\(\) must succeed",
    ),
    (
        SaysNothing,
        lambda suite, uri, _: suite.test_with_its_backend_up_it_becomes_ready_and_works(uri),
        "has no component 'cache:line'.*there is: none",
    ),
    (
        ProvidesNothingUseful,
        lambda suite, uri, _: suite.test_with_its_backend_up_it_becomes_ready_and_works(uri),
        "says that it is ready, but using it fails: ConnectionRefusedError",
    ),
    (
        ReusesItsClient,
        lambda suite, uri, _: suite.test_what_it_provides_is_there_while_it_runs_and_only_then(uri),
        "provides a client again that was closed",
    ),
    (LeaksTask, lambda suite, uri, _: suite.test_it_starts_and_stops(uri), "task 'forgotten'"),
    (LeaksSocket, lambda suite, uri, _: suite.test_it_starts_and_stops(uri), "socket"),
    (LeaksThread, lambda suite, uri, _: suite.test_it_starts_and_stops(uri), "thread 'forgotten'"),
    (FailsUnheard, lambda suite, uri, _: suite.test_it_starts_and_stops(uri), "nobody awaited.*nobody listens"),
    (OpensWhenLoaded, lambda suite, uri, _: suite.test_building_opens_nothing(uri), "socket"),
    (StartsAThreadWhenMade, lambda suite, uri, _: suite.test_building_opens_nothing(uri), "thread 'forgotten'"),
    (FailsToStop, lambda suite, uri, _: suite.test_it_stops_when_another_plugin_fails_to_start(uri), "failed to stop"),
    (
        ForgetsItsComponent,
        lambda suite, uri, _: suite.test_it_stops_when_another_plugin_fails_to_start(uri),
        "still in the service's health",
    ),
    (FailsToStopTwice, lambda suite, uri, _: suite.test_stopping_twice_does_nothing(uri), "on_shutdown.. fails"),
    (TakesAnything, lambda suite, uri, _: suite.test_a_wrong_configuration_is_one_error_without_the_value(uri), "good"),
    (StartsAThreadWhenMade, lambda suite, _, __: suite.test_when_disabled_it_does_nothing(), "thread 'forgotten'"),
    (
        NeedsBackendToStart,
        lambda suite, uri, proxy: (
            suite.test_it_starts_without_its_backend_and_is_ready_by_itself_when_that_appears(uri, proxy, "refused")
        ),
        "must start at once.*open.. must not wait",
    ),
    (
        NeedsBackendToStart,
        lambda suite, uri, proxy: (
            suite.test_it_starts_without_its_backend_and_is_ready_by_itself_when_that_appears(uri, proxy, "frozen")
        ),
        "must start at once.*open.. must not wait",
    ),
    (
        NeverRecovers,
        lambda suite, uri, proxy: suite.test_a_dead_line_is_told_and_a_mended_one_works_again(uri, proxy, "refused"),
        "not healthy and ready 5 s after its backend was back.*gone for good.*connect again",
    ),
    (
        Lies,
        lambda suite, uri, proxy: suite.test_a_dead_line_is_told_and_a_mended_one_works_again(uri, proxy, "refused"),
        "not unhealthy 2 s after.*refused.*round trip",
    ),
    (
        Lies,
        lambda suite, uri, proxy: suite.test_a_dead_line_is_told_and_a_mended_one_works_again(uri, proxy, "frozen"),
        "not unhealthy 2 s after.*frozen.*round trip",
    ),
    (
        BlocksTheLoop,
        lambda suite, uri, proxy: suite.test_a_bad_line_that_carries_on_makes_nobody_unready(uri, proxy, "sliced"),
        "blocked the event loop for .*to_thread",
    ),
    (
        FlapsAtOnce,
        lambda suite, uri, proxy: (
            suite.test_a_bad_line_that_carries_on_makes_nobody_unready(uri, proxy, "dropped once")
        ),
        "became not ready.*dropped once",
    ),
    (
        HangsInStop,
        lambda suite, uri, proxy: suite.test_it_stops_in_time_whatever_the_line_does(uri, proxy, "slow close"),
        "does not stop in time",
    ),
    (
        NeedsBackendToStop,
        lambda suite, uri, proxy: suite.test_it_stops_in_time_whatever_the_line_does(uri, proxy, "frozen"),
        "does not stop in time",
    ),
    (
        NeedsBackendToStop,
        lambda suite, uri, proxy: suite.test_it_stops_in_time_without_ever_having_reached_its_backend(
            uri, proxy, "refused"
        ),
        "does not stop in time",
    ),
    (
        LeavesItsComponentWhenInterrupted,
        lambda suite, uri, proxy: suite.test_a_start_that_is_interrupted_leaves_nothing(uri, proxy),
        "was interrupted while it started, and left its component .*cache:extra",
    ),
    (
        Shares,
        lambda suite, uri, proxy: suite.test_one_applications_trouble_is_not_anothers(uri, proxy.target_uri, proxy),
        "gives two applications one client",
    ),
    (
        KeepsProviding,
        lambda suite, uri, _: suite.test_what_it_provides_is_there_while_it_runs_and_only_then(uri),
        "still provides 'line_client'",
    ),
    (
        LogsItsUrl,
        lambda suite, uri, proxy: suite.test_its_credentials_are_told_to_nobody(uri, proxy),
        "told its password.*the log .debug.*connecting",
    ),
    (
        LogsItsUrlAsOthersDo,
        lambda suite, uri, proxy: suite.test_its_credentials_are_told_to_nobody(uri, proxy),
        "told its password.*the log of driver .debug.*connecting to",
    ),
    (
        LogsAnErrorWithItsUrl,
        lambda suite, uri, proxy: suite.test_its_credentials_are_told_to_nobody(uri, proxy),
        "told its password.*the log .warning.*ConnectionError",
    ),
    (
        ShowsItsUrl,
        lambda suite, uri, proxy: suite.test_its_credentials_are_told_to_nobody(uri, proxy),
        "told its password.*repr.. of its configuration",
    ),
    (
        RaisesItsUrl,
        lambda suite, uri, proxy: suite.test_its_credentials_are_told_to_nobody(uri, proxy),
        "told its password.*error of using it.*cannot reach",
    ),
]


@pytest.mark.parametrize(
    ("bad", "check", "told"), CAUGHT, ids=[f"{bad.__name__}-{number}" for number, (bad, _, _) in enumerate(CAUGHT)]
)
def test_a_bad_plugin_is_caught_by_the_check_of_its_fault(
    bad: type[LinePlugin], check: Check, told: str, line_server_uri: str
) -> None:
    sys.modules.pop("wave", None)  # for ImportsWhenMade
    with FaultProxy.for_uri(line_server_uri) as proxy, pytest.raises(AssertionError, match=f"(?s){told}"):
        check(trial_of(bad, proxy), proxy.uri, proxy)
