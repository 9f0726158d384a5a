"""The plugin contract: a section of the configuration, and a life of four states.

*Bound*: configuration and context are known. *Loaded*: routes and middleware are added, nothing is opened. *Running*:
inside `lifespan()`. *Stopped*. The application enters `lifespan()` and nothing else; a plugin that opens one thing
overrides it with one generator::

    class CachePlugin(PluginAbstract[CacheConfig]):
        section = "cache"

        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            async with open_cache(self.config.url) as cache:
                cache_of.publish(self.context.asgi_app, cache)
                yield  # it runs
                cache_of.withdraw(self.context.asgi_app)

`on_startup` and `on_shutdown` are for those who would rather write two small methods.
"""

from abc import ABC
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, cast

from fastapi import FastAPI
from starlette.types import ASGIApp
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.core.plugins.errors import PluginError, PluginNotBoundError
from fastapi_factory_utilities.core.plugins.roles import ProcessRole
from fastapi_factory_utilities.core.plugins.work import Work
from fastapi_factory_utilities.core.services.status import StatusService
from fastapi_factory_utilities.core.telemetry import Telemetry, TelemetrySlot

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app import ApplicationAbstract, RootConfig

__all__ = ["ConfigT_co", "PluginAbstract", "PluginContext"]

# Covariant, so that a plugin with a section of its own is a `PluginAbstract` among others.
ConfigT_co = TypeVar("ConfigT_co", bound=PluginConfig, default=PluginConfig, covariant=True)


@dataclass(frozen=True, slots=True)
class PluginContext:
    """All that a plugin may know of its application.

    Attributes:
        config: The application's whole configuration.
        asgi_app: The FastAPI object, for routes, middleware and state.
        status: Where components report their health.
        package_name: The application's package.
        role: What this process is there for.
        work: Where messages and tasks in flight are counted, for the report of the drain.
        telemetry_slot: What `telemetry` is read from.
    """

    config: "RootConfig"
    asgi_app: FastAPI
    status: StatusService
    package_name: str
    role: ProcessRole = ProcessRole.WEB
    work: Work = field(default_factory=Work)
    telemetry_slot: TelemetrySlot = field(default_factory=TelemetrySlot)

    @property
    def telemetry(self) -> Telemetry:
        """Where spans and instruments come from; complete as soon as every plugin was loaded."""
        return self.telemetry_slot.current


class PluginAbstract(ABC, Generic[ConfigT_co]):
    """The base of every plugin (FR13-FR16).

    A plugin belongs to one application. Parameterise it with the model of its section:
    `class CachePlugin(PluginAbstract[CacheConfig])`; a plugin without a section needs neither.

    Args:
        config: The section's value; it beats what files and environment say, and the file needs no section then.

    Attributes:
        section: The name of its section.
        config_class: The model of its section; by default the type parameter.
        more_sections: Further sections that it reads, as fields of `context.config`; `enabled: false` in any of them
            switches the plugin off.
        outermost: Whether it starts before all others and stops after them, wherever it is listed.
    """

    section: ClassVar[str] = ""
    outermost: ClassVar[bool] = False
    more_sections: ClassVar[Mapping[str, type[PluginConfig]]] = {}
    config_class: ClassVar[type[PluginConfig]] = PluginConfig

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        """Find the configuration class in the type parameters, unless the class names it."""
        super().__init_subclass__(**kwargs)
        if "config_class" in cls.__dict__:
            return
        (argument,) = type_arguments(cls, PluginAbstract)
        if isinstance(argument, type):
            cls.config_class = argument

    def __init__(self, config: ConfigT_co | None = None) -> None:
        self._given_config = config
        self._config: ConfigT_co | None = None
        self._context: PluginContext | None = None

    @property
    def name(self) -> str:
        """What the plugin is called in messages: its class."""
        return type(self).__name__

    @property
    def given_config(self) -> ConfigT_co | None:
        """The configuration it was constructed with, if any."""
        return self._given_config

    @property
    def config(self) -> ConfigT_co:
        """Its section.

        Raises:
            PluginNotBoundError: It was not given to an application yet.
        """
        if self._config is None:
            raise self._not_bound()
        return self._config

    @property
    def context(self) -> PluginContext:
        """What it may know of its application.

        Raises:
            PluginNotBoundError: It was not given to an application yet.
        """
        if self._context is None:
            raise self._not_bound()
        return self._context

    @property
    def is_bound(self) -> bool:
        """Whether it was given to an application."""
        return self._context is not None

    def set_application(self, application: "ApplicationAbstract[Any]") -> Self:
        """Give the plugin its application; the builder does this before `on_load`.

        Raises:
            PluginError: The application's field of the section's name is of another type.
        """
        root = application.get_config()
        config: object = self._given_config
        if config is None:
            config = getattr(root, self.section) if self.section else self.config_class()
        if not isinstance(config, self.config_class):
            raise PluginError(
                f"{self.name}: the configuration field {self.section!r} is a {type(config).__name__}, "
                f"but the plugin needs a {self.config_class.__name__}: make your model extend it, or rename the field",
                plugin=self.name,
                section=self.section,
            )
        return self.bind(
            PluginContext(
                config=root,
                asgi_app=application.get_asgi_app(),
                status=application.get_status_service(),
                package_name=application.PACKAGE_NAME,
                role=application.role,
                work=application.work,
                telemetry_slot=application.telemetry_slot,
            ),
            config,
        )

    def bind(self, context: PluginContext, config: PluginConfig) -> Self:
        """Make the plugin *bound*; what `set_application` comes down to.

        Args:
            context: What it may know of its application.
            config: Its section, a `config_class`.
        """
        self._context = context
        self._config = cast(
            "ConfigT_co", config
        )  # config_class is ConfigT_co's value: `__init_subclass__` read it there
        return self

    def on_load(self) -> None:
        """Add routes and middleware; open nothing. Runs for all plugins before any starts."""

    def wrap_asgi(self, app: ASGIApp) -> ASGIApp:
        """Put a layer around everything that the application serves, probes excepted; by default none.

        Called when every plugin was loaded. The first plugin's layer is the outermost; the access log is inside of all.
        """
        return app

    async def on_startup(self) -> None:
        """Start; the hook of plugins that do not override `lifespan`."""

    async def on_drain(self) -> None:
        """Take nothing new: consumers and workers pause, what is in flight goes on.

        Called while the plugin runs, when the process was told to stop; what is in flight is waited for in `lifespan`'s
        exit. The drain does not wait for this hook, and a failure is logged.
        """

    async def on_shutdown(self) -> None:
        """Stop; called only when `on_startup` succeeded."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Be running for as long as the body lasts: acquire, yield, release."""
        await self.on_startup()
        yield
        await self.on_shutdown()

    def _not_bound(self) -> PluginNotBoundError:
        return PluginNotBoundError(
            f"{self.name} was not given to an application yet: list it in the builder's plugins", plugin=self.name
        )
