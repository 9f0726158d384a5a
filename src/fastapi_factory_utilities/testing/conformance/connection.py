"""What every plugin with a connection must do, whatever happens to its line."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.plugins import ConnectionPlugin, PluginNotActiveError
from fastapi_factory_utilities.testing.conformance.lines import BEARABLE, DEADLY, STEADY_SECONDS, STOPPING
from fastapi_factory_utilities.testing.conformance.plugin import PluginConformance, check
from fastapi_factory_utilities.testing.conformance.secrets import PASSWORD, heard, with_credentials
from fastapi_factory_utilities.testing.conformance.stage import patience, responsive
from fastapi_factory_utilities.testing.conformance.watching import Watch
from fastapi_factory_utilities.testing.proxy import FaultProxy
from fastapi_factory_utilities.testing.running import lifespan

__all__ = ["ConnectionPluginConformance"]


class ConnectionPluginConformance(PluginConformance):
    """Inherit it as `class TestMyPlugin(ConnectionPluginConformance)` for a plugin that connects to a backend.

    Define `make_plugin`, `make_config(uri)`, and the fixture `backend_uri`; and, should ping say too little, `use`.

    Attributes:
        start_within_seconds: How long a start may take while the backend is down.
        down_within_seconds: How long a dead backend may pass for a live one.
        frozen_within_seconds: How long a frozen one may.
        ready_within_seconds: How long it may take until the plugin works again when the backend is back.
        stop_within_seconds: How long a stop may take, whatever the state of the backend.
    """

    start_within_seconds: float = 2.0
    down_within_seconds: float = 2.0
    frozen_within_seconds: float = 2.0
    ready_within_seconds: float = 5.0
    stop_within_seconds: float = 5.0

    _proxy: FaultProxy | None = None

    # --- what the author says ---

    @pytest.fixture
    def backend_uri(self) -> str:
        """The URI of a running backend, with one host and a port, and without credentials."""
        raise TypeError(
            f"{type(self).__name__} must say where the backend is: define a fixture backend_uri that returns its URI"
        )

    async def use(self, plugin: Any, client: Any) -> None:  # noqa: ANN401 - the plugin's own types
        """Do something real, as a service would; raise when it fails. By default a ping.

        Look here, too, whether the work of `ready()` is done: this is called when the component says that it is ready.
        """
        await plugin.ping(client)

    # --- the ground ---

    @pytest.fixture
    def proxy(self, backend_uri: str) -> Iterator[FaultProxy]:
        """The line between the plugin under test and its backend."""
        with FaultProxy.for_uri(backend_uri) as proxy:
            self._proxy = proxy
            yield proxy

    @pytest.fixture
    def uri(self, proxy: FaultProxy) -> str:
        """Where the plugin under test finds its backend: behind the proxy."""
        return proxy.uri

    def heal(self) -> None:
        """Mend the line."""
        if self._proxy is not None:
            self._proxy.heal()

    def check_untouched(self) -> None:
        """Check that nobody connected to the backend."""
        check(
            self._proxy is None or not self._proxy.connections_accepted,
            f"{self.name} connected to its backend when nothing was to be opened",
        )

    def plugin_of(self, application: ApplicationAbstract[Any]) -> ConnectionPlugin[Any, Any]:
        """The plugin under test in an application."""
        return cast("ConnectionPlugin[Any, Any]", application.plugins[0])

    def watch(self, application: ApplicationAbstract[Any]) -> Watch:
        """The health of the plugin's component in an application."""
        plugin = self.plugin_of(application)
        return Watch(plugin.name, application, plugin.component)

    async def check_running(self, application: ApplicationAbstract[Any]) -> None:
        """Check that the component becomes ready, and that what the plugin provides can be used then."""
        await self.watch(application).ready(self.ready_within_seconds, "its start")
        await self._check_use(application)

    def _provided(self, application: ApplicationAbstract[Any]) -> object:
        return self.plugin_of(application).provides.of(application.get_asgi_app())

    async def _check_use(self, application: ApplicationAbstract[Any]) -> None:
        plugin = self.plugin_of(application)
        try:
            await self.use(plugin, self._provided(application))
        except Exception as error:
            raise AssertionError(
                f"{plugin.name} says that it is ready, but using it fails: {type(error).__name__}: {error}"
            ) from error

    @asynccontextmanager
    async def _running(self, uri: str) -> AsyncIterator[tuple[ApplicationAbstract[Any], Watch]]:
        """Run an application with the plugin; check that neither its start nor its stop takes too long."""
        application = self.build(uri)
        life = lifespan(application)
        try:
            await _within(self.start_within_seconds, life.__aenter__(), f"{self.name} does not start")
        except Exception as error:
            raise AssertionError(
                f"{self.name} must start at once whether its backend is up or not: open() must not wait for it, and "
                f"must not fail without it. It failed with {type(error).__name__}: {error}"
            ) from error
        try:
            yield application, self.watch(application)
        finally:
            await _within(
                self.stop_within_seconds,
                life.__aexit__(None, None, None),
                f"{self.name} does not stop in time: closing must not wait for the backend without a deadline",
            )

    # --- what is checked ---

    def test_with_its_backend_up_it_becomes_ready_and_works(self, uri: str) -> None:
        """A plugin works soon after its start."""

        async def work() -> None:
            async with self._running(uri) as (application, _):
                await self.check_running(application)

        self.run(work)

    @pytest.mark.parametrize("fault", ["refused", "frozen"])
    def test_it_starts_without_its_backend_and_is_ready_by_itself_when_that_appears(
        self, uri: str, proxy: FaultProxy, fault: str
    ) -> None:
        """A backend that is down stops nobody: the plugin starts, says "starting", and recovers (NFR21)."""

        async def work() -> None:
            DEADLY[fault](proxy)
            async with responsive(self.name), self._running(uri) as (application, watch):
                status = watch.status
                check(
                    watch.is_down and (status.reason or "").startswith("starting"),
                    f"{self.name} was never connected, so its component must be unhealthy, not ready and say "
                    f"that it is starting; it is {status.health.value}, {status.readiness.value}, and says "
                    f"{status.reason!r}",
                )
                self._provided(application)
                proxy.heal()
                await watch.ready(self.ready_within_seconds, "its backend appeared")
                await self._check_use(application)

        self.run(work)

    @pytest.mark.parametrize("fault", sorted(DEADLY))
    def test_a_dead_line_is_told_and_a_mended_one_works_again(self, uri: str, proxy: FaultProxy, fault: str) -> None:
        """The component says in time that its backend is gone, and that it is back; nothing else suffers."""

        async def work() -> None:
            seconds = self.down_within_seconds if fault in {"refused", "reset", "cut"} else self.frozen_within_seconds
            async with responsive(self.name), self._running(uri) as (application, watch):
                await self.check_running(application)
                DEADLY[fault](proxy)
                await watch.down(seconds, f"its backend became unreachable ({fault})")
                check(watch.status.reason, f"{self.name} is unhealthy, and its component gives no reason")
                proxy.heal()
                await watch.ready(self.ready_within_seconds, f"its backend was back ({fault})")
                await self._check_use(application)

        self.run(work)

    @pytest.mark.parametrize("fault", sorted(BEARABLE))
    def test_a_bad_line_that_carries_on_makes_nobody_unready(self, uri: str, proxy: FaultProxy, fault: str) -> None:
        """A slow line, or a single reconnect, is no outage: readiness does not flap."""

        async def work() -> None:
            async with responsive(self.name), self._running(uri) as (application, watch):
                await self.check_running(application)
                BEARABLE[fault](proxy)
                await asyncio.sleep(STEADY_SECONDS)
                check(
                    not watch.times_not_ready(),
                    f"{self.name} became not ready because of a line that still carries everything ({fault}); "
                    f"now it is {watch.status.readiness.value}, reason {watch.status.reason!r}",
                )
                await watch.ready(self.ready_within_seconds, f"the line became bad ({fault})")
                await self._check_use(application)

        self.run(work)

    @pytest.mark.parametrize("fault", sorted(STOPPING))
    def test_it_stops_in_time_whatever_the_line_does(self, uri: str, proxy: FaultProxy, fault: str) -> None:
        """A stop needs no backend."""

        async def work() -> None:
            async with self._running(uri) as (application, watch):
                await self.check_running(application)
                STOPPING[fault](proxy)
                if fault in DEADLY:
                    await watch.down(self.frozen_within_seconds, f"its backend became unreachable ({fault})")

        self.run(work)

    @pytest.mark.parametrize("fault", ["refused", "frozen"])
    def test_it_stops_in_time_without_ever_having_reached_its_backend(
        self, uri: str, proxy: FaultProxy, fault: str
    ) -> None:
        """A stop does not wait for a connection that is being opened."""

        async def work() -> None:
            DEADLY[fault](proxy)
            async with self._running(uri):
                pass

        self.run(work)

    def test_a_start_that_is_interrupted_leaves_nothing(self, uri: str, proxy: FaultProxy) -> None:
        """Ctrl-C during a start that waits for a backend unwinds it."""

        async def work() -> None:
            proxy.freeze()
            application = self.build(uri)
            starting = asyncio.create_task(_enter_and_leave(application))
            deadline = asyncio.get_running_loop().time() + self.start_within_seconds * patience()
            while not application.get_status_service().components and not starting.done():
                check(asyncio.get_running_loop().time() < deadline, f"{self.name} did not begin to start")
                await asyncio.sleep(0.01)
            starting.cancel()
            await asyncio.wait([starting])
            left = list(application.get_status_service().components)
            check(not left, f"{self.name} was interrupted while it started, and left its component {left}")

        self.run(work)

    def test_one_applications_trouble_is_not_anothers(self, uri: str, backend_uri: str, proxy: FaultProxy) -> None:
        """Two applications of one process, each with a line of its own: the one stays ready when the other's breaks."""

        async def work() -> None:
            with FaultProxy.for_uri(backend_uri) as other:
                async with self._running(other.uri) as (healthy, watch), self._running(uri) as (troubled, trouble):
                    await self.check_running(healthy)
                    await self.check_running(troubled)
                    check(
                        self._provided(healthy) is not self._provided(troubled),
                        f"{self.name} gives two applications one client: hold it in open(), not on the class",
                    )
                    proxy.refuse()
                    await trouble.down(self.down_within_seconds, "its backend became unreachable")
                    check(not watch.times_not_ready(), f"{self.name} is shared: one application's trouble is another's")
                    await self._check_use(healthy)

        self.run(work)

    def test_what_it_provides_is_there_while_it_runs_and_only_then(self, uri: str) -> None:
        """The client is published between start and stop, and is another one in each run."""

        async def work() -> None:
            application = self.build(uri)
            plugin = self.plugin_of(application)
            seen = []
            for _ in range(2):
                async with lifespan(application):
                    seen.append(self._provided(application))
                try:
                    self._provided(application)
                except PluginNotActiveError:
                    continue
                raise AssertionError(f"{plugin.name} has stopped, and still provides {plugin.provides.name!r}")
            check(seen[0] is not seen[1], f"{plugin.name} provides a client again that was closed")

        self.run(work)

    def test_its_credentials_are_told_to_nobody(self, uri: str, proxy: FaultProxy) -> None:
        """User and password of the URI appear in no log at any level, no health, no error and no repr (NFR15)."""

        async def work() -> None:
            application = self.build(with_credentials(uri), log_level="debug")
            plugin = self.plugin_of(application)
            with heard() as said:
                said.add("repr() of the plugin", repr(plugin))
                said.add("repr() of its configuration", repr(plugin.config))
                said.add("str() of its configuration", str(plugin.config))
                said.add("the dump of its configuration", plugin.config.model_dump())
                for break_line in (FaultProxy.heal, FaultProxy.refuse, FaultProxy.freeze):
                    break_line(proxy)
                    async with lifespan(application):
                        client = self._provided(application)
                        said.add("repr() of what it provides", repr(client))
                        try:
                            async with asyncio.timeout(1.0):
                                await self.use(plugin, client)
                        except Exception as error:  # noqa: BLE001 - whatever it raises is what is looked at
                            said.add_error("the error of using it", error)
                        said.add_health(application)
                    proxy.heal()
                said.add_health(application)
            told = said.who_told(PASSWORD)
            check(
                not told,
                f"{plugin.name} told its password. Hold it in a SecretStr, take it out only to give it to the driver, "
                "and never log or raise what holds it. It was told by:\n  - " + "\n  - ".join(told),
            )

        self.run(work)


async def _within(seconds: float, work: Any, otherwise: str) -> None:  # noqa: ANN401 - any coroutine
    """Await something that must be quick; cancel it when it is not.

    Raises:
        AssertionError: It is not.
    """
    try:
        async with asyncio.timeout(seconds * patience()):
            await work
    except TimeoutError as error:
        raise AssertionError(f"{otherwise}, within {seconds * patience():g} s") from error


async def _enter_and_leave(application: ApplicationAbstract[Any]) -> None:
    async with lifespan(application):
        pass
