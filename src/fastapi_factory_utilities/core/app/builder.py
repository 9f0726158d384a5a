"""`ApplicationGenericBuilder`: plugins and configuration in, application out (FR2, FR12)."""

import copy
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, cast

from typing_extensions import TypeVar

from fastapi_factory_utilities.core.app.application import ApplicationAbstract
from fastapi_factory_utilities.core.app.config import EnvironmentEnum, RootConfig
from fastapi_factory_utilities.core.exceptions import ApplicationError
from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.logs import configure_logging
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginConfig, ProcessRole
from fastapi_factory_utilities.core.redaction import register_secrets

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.loading import Settings

__all__ = ["ApplicationGenericBuilder"]

AppT = TypeVar("AppT", bound=ApplicationAbstract[Any], default=ApplicationAbstract)

# Sections of this library's own plugins: a file may keep them while a deployment, or a test, lists fewer plugins.
_OWN_SECTIONS = frozenset({"aiopika", "odm", "opentelemetry", "redis", "taskiq"})


class ApplicationGenericBuilder(Generic[AppT]):
    """Builds an application, and serves it if you like.

    Either extend it, or name the application class::

        class AppBuilder(ApplicationGenericBuilder[App]):
            def get_default_plugins(self) -> list[PluginAbstract]:
                return [ODMPlugin()]

        ApplicationGenericBuilder(application_class=App)

    Building twice gives two independent applications; the lists and objects you hand in are not changed.

    Args:
        plugins: The plugins to activate, in the order of their start, in place of the default ones.
        application_class: The class to build, unless the type parameter names it.
    """

    def __init__(
        self,
        plugins: Iterable[PluginAbstract[Any]] | None = None,
        *,
        application_class: type[AppT] | None = None,
    ) -> None:
        self._application_class = application_class or self._class_of_type_parameter()
        self._plugins = None if plugins is None else list(plugins)
        self._more_plugins: list[PluginAbstract[Any]] = []
        self._overrides: list[RootConfig | Mapping[str, Any]] = []
        self._config_file: Path | None = None
        self._role = ProcessRole.WEB

    @property
    def application_class(self) -> type[AppT]:
        """The class that `build` makes an object of."""
        return self._application_class

    @property
    def role(self) -> ProcessRole:
        """What the process is there for."""
        return self._role

    def get_default_plugins(self) -> list[PluginAbstract]:
        """Return the plugins to activate when the builder is given none; fresh ones at every call."""
        return []

    def add_plugin_to_activate(self, plugin: PluginAbstract[Any]) -> Self:
        """Activate one more plugin, after those that are listed."""
        self._more_plugins.append(plugin)
        return self

    def add_config(self, config: RootConfig | Mapping[str, Any]) -> Self:
        """Set configuration in code; it beats every other source.

        Args:
            config: A configuration object, of which the explicitly given fields count, or a nested mapping.
        """
        self._overrides.append(config)
        return self

    def add_config_file(self, path: str | Path) -> Self:
        """Read one more configuration file; it beats the packaged ones and is beaten by the environment (FR11)."""
        self._config_file = Path(path)
        return self

    def set_role(self, role: ProcessRole) -> Self:
        """Say what the process is there for; by default it serves."""
        self._role = role
        return self

    def build(self) -> AppT:
        """Read the configuration, set logging up, and make the application; opens no connection.

        Raises:
            ConfigBuilderError: The configuration is wrong; the message has every mistake.
            ApplicationError: Two plugins have one name.
            MissingExtraError: An active plugin's dependency is not installed.
        """
        from fastapi_factory_utilities.core.app.loading import (  # noqa: PLC0415 - YAML is heavy
            build_config,
            secret_values,
        )

        plugins = self._plugins_to_build_with()
        settings = self.read_settings(plugins)
        config = build_config(settings)
        register_secrets(secret_values(config))
        configure_logging(mode=config.logging_mode.value, levels=config.logging)
        application: AppT = self._application_class(
            config, [plugin for plugin in plugins if _is_enabled(plugin, config)], role=self._role
        )
        if config.application.environment is EnvironmentEnum.DEVELOPMENT:
            application.config_sources = settings
        return application

    def read_settings(self, plugins: Iterable[PluginAbstract[Any]] | None = None) -> "Settings[RootConfig]":
        """Read every source of the configuration, without validating it.

        Args:
            plugins: Those whose sections count; by default those that `build` would use.

        Raises:
            ConfigBuilderError: A source cannot be read.
        """
        from fastapi_factory_utilities.core.app.loading import read_settings  # noqa: PLC0415 - see `build`

        active = self._plugins_to_build_with() if plugins is None else list(plugins)
        application_class = self._application_class
        return read_settings(
            package_name=application_class.PACKAGE_NAME,
            filename=application_class.CONFIG_FILENAME,
            config_class=application_class.CONFIG_CLASS,
            sections=_sections(active),
            switches=_switches(active),
            tolerated_sections=_OWN_SECTIONS | _sections(self.get_default_plugins()).keys() | _given(active),
            external_file=self._config_file,
            overrides=self._overrides,
        )

    def build_and_serve(self) -> None:
        """Build the application and serve it until it is told to stop.

        A wrong set-up is told in one message, without a traceback, and ends the process with status 2.
        """
        from fastapi_factory_utilities.core.app.server import serve  # noqa: PLC0415 - uvicorn's server is needed here

        status = serve(self)
        if status:
            sys.exit(status)

    def sections(self) -> dict[str, type[PluginConfig]]:
        """Return the sections that the active plugins add to the configuration, by name."""
        return _sections(self._plugins_to_build_with())

    def _plugins_to_build_with(self) -> list[PluginAbstract[Any]]:
        listed = self.get_default_plugins() if self._plugins is None else self._plugins
        # A plugin belongs to one application: when it has one already, a copy goes into the next.
        plugins = [copy.copy(plugin) if plugin.is_bound else plugin for plugin in (*listed, *self._more_plugins)]
        twice = [name for name, count in Counter(plugin.name for plugin in plugins).items() if count > 1]
        if twice:
            raise ApplicationError(
                f"{', '.join(sorted(twice))}: listed more than once; list each plugin once in the builder's plugins",
                plugins=tuple(twice),
            )
        return plugins

    @classmethod
    def _class_of_type_parameter(cls) -> type[AppT]:
        (argument,) = type_arguments(cls, ApplicationGenericBuilder)
        if isinstance(argument, type):
            return cast("type[AppT]", argument)  # the parameter's value, found at run time
        raise ApplicationError(
            f"{cls.__name__} does not know what to build: extend ApplicationGenericBuilder[YourApplication], or give "
            f"application_class=YourApplication"
        )


def _is_enabled(plugin: PluginAbstract[Any], config: RootConfig) -> bool:
    sections: list[PluginConfig] = [getattr(config, name) for name in plugin.more_sections]
    if plugin.given_config is not None:
        sections.append(plugin.given_config)
    elif plugin.section:
        sections.append(getattr(config, plugin.section))
    return all(section.enabled for section in sections)


def _sections(plugins: Iterable[PluginAbstract[Any]]) -> dict[str, type[PluginConfig]]:
    """The sections that files must give, by name."""
    sections: dict[str, type[PluginConfig]] = {}
    for plugin in plugins:
        sections |= plugin.more_sections
        if plugin.section and plugin.given_config is None:
            sections[plugin.section] = plugin.config_class
    return sections


def _switches(plugins: Iterable[PluginAbstract[Any]]) -> dict[str, tuple[frozenset[str], ...]]:
    """The sections that a section is of no use without: for each plugin that reads it, its further sections."""
    users: dict[str, list[frozenset[str]]] = {}
    for plugin in plugins:
        if plugin.section and plugin.given_config is None:
            users.setdefault(plugin.section, []).append(frozenset(plugin.more_sections))
    return {section: tuple(needed) for section, needed in users.items() if all(needed)}


def _given(plugins: Iterable[PluginAbstract[Any]]) -> set[str]:
    """The sections that code gives; files may still have them."""
    return {plugin.section for plugin in plugins if plugin.given_config is not None}
