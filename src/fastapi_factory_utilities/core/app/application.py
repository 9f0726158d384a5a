"""`ApplicationAbstract`: owns configuration, FastAPI object, health and plugins, and their lifespan (FR1-FR6)."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.api import (
    SystemEndpoints,
    add_cors,
    create_fastapi,
    flatten_routes,
    trace_id_of,
)
from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.request_ids import RequestIds
from fastapi_factory_utilities.core.app.closing import closing_connections
from fastapi_factory_utilities.core.app.config import EnvironmentEnum, RootConfig
from fastapi_factory_utilities.core.app.protections import protections, set_rate_limits
from fastapi_factory_utilities.core.app.running import running
from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.logs.access import AccessLog
from fastapi_factory_utilities.core.plugins import PluginAbstract, ProcessRole, Work
from fastapi_factory_utilities.core.services.status import (
    HealthStatusEnum,
    LivenessMonitor,
    ReadinessStatusEnum,
    StatusService,
    StatusUpdateEvent,
)
from fastapi_factory_utilities.core.telemetry import TelemetrySlot

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.loading import Settings
    from fastapi_factory_utilities.core.dev import DevelopmentPage

__all__ = ["ApplicationAbstract"]

_log = get_logger(__name__)

RootConfigT = TypeVar("RootConfigT", bound=RootConfig, default=RootConfig)


class ApplicationAbstract(Generic[RootConfigT]):
    """The base of a service; the object is an ASGI application itself.

    Extend it, name your package, register your routes in `configure`::

        class App(ApplicationAbstract[AppConfig]):
            PACKAGE_NAME = "my_service"

            def configure(self) -> None:
                self.get_asgi_app().include_router(router)

    With the type parameter `get_config()` is an `AppConfig` to the type checker; `CONFIG_CLASS` may be given instead,
    or as well. Make applications with a builder, which reads the configuration.

    Attributes:
        CONFIG_CLASS: The model of the whole configuration; by default the type parameter.
        PACKAGE_NAME: The package that holds `CONFIG_FILENAME`.
        CONFIG_FILENAME: The configuration file inside the package.
        ODM_DOCUMENT_MODELS: The Beanie documents of the service, for `ODMPlugin`.
        config_sources: Where each configured value came from; known in development, if a builder made the application.

    Args:
        config: The validated configuration.
        plugins: In the order of their start, but for those that are to be the outermost; they become this application's
            own.
        role: What this process is there for.
    """

    CONFIG_CLASS: ClassVar[type[RootConfig]] = RootConfig
    PACKAGE_NAME: ClassVar[str] = ""
    CONFIG_FILENAME: ClassVar[str] = "application.yaml"
    ODM_DOCUMENT_MODELS: ClassVar[Sequence[type[Any]]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        """Find the configuration class in the type parameter, unless the class names it."""
        super().__init_subclass__(**kwargs)
        if "CONFIG_CLASS" in cls.__dict__:
            return
        (argument,) = type_arguments(cls, ApplicationAbstract)
        if isinstance(argument, type):
            cls.CONFIG_CLASS = argument

    def __init__(
        self,
        config: RootConfigT,
        plugins: Sequence[PluginAbstract[Any]] = (),
        *,
        role: ProcessRole = ProcessRole.WEB,
    ) -> None:
        self._config = config
        self.role: ProcessRole = role
        self.work: Work = Work()
        self.telemetry_slot: TelemetrySlot = TelemetrySlot()
        self.config_sources: Settings[Any] | None = None
        self._running: list[PluginAbstract[Any]] = []
        self._draining: set[asyncio.Task[None]] = set()
        self._status = StatusService(liveness=LivenessMonitor(config.liveness.max_stall_seconds))
        self._status.subscribe(_log_transition)
        self._asgi_app = create_fastapi(
            title=config.application.service_name,
            description=config.application.description,
            version=config.application.version,
            root_path=config.application.root_path,
            docs_enabled=config.docs_enabled,
            debug=config.development.debug,
            **protections(config),
            lifespan=self._lifespan,
        )
        self.add_to_state("config", config)
        self.add_to_state("application", self)
        self.add_to_state("status_service", self._status)
        in_order = sorted(plugins, key=lambda plugin: not plugin.outermost)
        self._plugins = [plugin.set_application(self) for plugin in in_order]
        self._page = self._development_page()
        self._system = SystemEndpoints(self._status)
        set_rate_limits(self._asgi_app, config, self._plugins)
        self._load()
        self._entry = self._compose()

    # What a service author writes

    def configure(self) -> None:
        """Register routes, middleware and dependencies; the state is set, nothing is open yet."""

    async def on_startup(self) -> None:
        """Start what is yours; the plugins run (FR3)."""

    async def on_shutdown(self) -> None:
        """Stop what is yours; the plugins still run (FR4). Called when `on_startup` succeeded."""

    # What everybody asks

    def get_config(self) -> RootConfigT:
        """Return the configuration, plugin sections included."""
        return self._config

    def get_asgi_app(self) -> FastAPI:
        """Return the FastAPI object (FR5)."""
        return self._asgi_app

    def get_status_service(self) -> StatusService:
        """Return the health of this application."""
        return self._status

    @property
    def plugins(self) -> tuple[PluginAbstract[Any], ...]:
        """The active plugins, in the order of their start."""
        return tuple(self._plugins)

    def add_to_state(self, key: str, value: Any) -> None:  # noqa: ANN401 - `app.state` holds anything
        """Put a value on `app.state`.

        Raises:
            ValueError: There is one of this name already.
        """
        if hasattr(self._asgi_app.state, key):
            raise ValueError(f"{key!r} is on app.state already: choose another name")
        setattr(self._asgi_app.state, key, value)

    def begin_drain(self) -> None:
        """Say "not ready", let plugins take nothing new, and answer each connection's next request as its last.

        The service goes on serving. Must be called where its event loop runs.
        """
        if self._status.is_draining:
            return
        self._status.begin_drain()
        self._entry = closing_connections(self._entry)
        self.work.begin_drain()
        for plugin in self._running:
            task = asyncio.create_task(_drain(plugin), name=f"drain {plugin.name}")
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    # ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._serve_lifespan(scope, receive, send)
        else:
            await self._entry(scope, receive, send)

    def _load(self) -> None:
        for plugin in self._plugins:
            plugin.on_load()
        self.configure()
        # After the service's own, so that no request pays for looking past them.
        self._asgi_app.include_router(self._system.router)
        add_cors(self._asgi_app, **self._config.cors.model_dump())
        flatten_routes(self._asgi_app)

    def _compose(self) -> ASGIApp:
        """Put what every request passes outside of FastAPI, where a layer costs the least."""
        entry: ASGIApp = self._asgi_app if self.role is ProcessRole.WEB else _nothing_else
        if self._config.server.access_log:
            entry = AccessLog(entry)
        entry = RequestIds(entry)
        for plugin in reversed(self._plugins):
            entry = plugin.wrap_asgi(entry)
        if self._page is not None:
            entry = self._page.around(entry)
        return self._system.before(entry)

    def _development_page(self) -> "DevelopmentPage | None":
        """Make `/_dev`, in development; elsewhere not even its code is imported."""
        config = self._config
        if config.application.environment is not EnvironmentEnum.DEVELOPMENT or not config.development.page:
            return None
        from fastapi_factory_utilities.core.dev import DevelopmentPage  # noqa: PLC0415 - see above

        return DevelopmentPage(self)

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak the lifespan protocol, telling a failure in a few lines; raises it too, for test clients."""
        await receive()
        state: MutableMapping[str, Any] = scope.get("state", {})
        phase = "startup"
        try:
            async with self._asgi_app.router.lifespan_context(self._asgi_app) as more_state:
                state.update(more_state or {})
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except BaseException as error:
            if isinstance(error, Exception):  # to be cancelled, by a forced stop, is no failure
                _log.error("application failed", phase=phase, exc_info=error)
            await send({"type": f"lifespan.{phase}.failed", "message": ""})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Plugins, then the service's own start; its own stop, then the plugins."""
        server = self._config.server
        async with (
            nullcontext() if self._page is None else self._page.watching(),
            self._status.running(),
            running(self._plugins, start_seconds=server.grace_seconds, grace_seconds=server.stop_seconds),
        ):
            # Backends that are up are used from the first request on; one that is down delays nobody for long.
            await self._status.settled(server.startup_wait_seconds)
            if self._status.status.readiness is ReadinessStatusEnum.NOT_READY:
                _log.warning("started, but not ready", reason=self._status.status.reason)
            await self.on_startup()
            self._entry = self._compose()
            self._running = self._plugins
            self._status.mark_started()
            try:
                yield
            finally:
                self.begin_drain()
                self._running = []
                try:
                    await self._drained(server.stop_seconds / 4)
                finally:
                    await self.on_shutdown()

    async def _drained(self, seconds: float) -> None:
        """Wait until the plugins have taken note of the drain."""
        if self._draining:
            await asyncio.wait(self._draining, timeout=seconds)
        for task in self._draining:
            task.cancel()


async def _nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, in a process that serves nothing but its health, that there is nothing else."""
    if scope["type"] == "http":
        await problem_response(Problem(404), trace_id_of(scope))(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1000})


async def _drain(plugin: PluginAbstract[Any]) -> None:
    try:
        await plugin.on_drain()
    except Exception as error:  # noqa: BLE001 - one plugin's failure must not keep the others from draining
        _log.error("plugin failed to drain", plugin=plugin.name, exc_info=error)


def _log_transition(event: StatusUpdateEvent) -> None:
    """Tell the log of each transition, as loud as it is bad; to be starting is not bad."""
    if event.status.starting:
        tell = _log.debug
    else:
        tell = {
            HealthStatusEnum.HEALTHY: _log.info,
            HealthStatusEnum.DEGRADED: _log.warning,
            HealthStatusEnum.UNHEALTHY: _log.error,
        }[event.status.health]
    facts = {"health": event.status.health.value, "readiness": event.status.readiness.value}
    if event.status.reason:
        facts["reason"] = event.status.reason
    tell("health changed", component="service" if event.component is None else event.component.key, **facts)
