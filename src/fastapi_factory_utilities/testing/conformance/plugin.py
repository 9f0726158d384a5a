"""What every plugin must do, with a connection or without."""

import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from fastapi_factory_utilities.core.app import ApplicationAbstract, ConfigBuilderError
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginStartError
from fastapi_factory_utilities.core.services.status import ReadinessStatusEnum
from fastapi_factory_utilities.testing.conformance.secrets import PASSWORD
from fastapi_factory_utilities.testing.conformance.stage import FailingPlugin, build, run
from fastapi_factory_utilities.testing.leaks import no_leaks
from fastapi_factory_utilities.testing.running import lifespan

__all__ = ["PluginConformance"]


class PluginConformance:
    """Inherit it as `class TestMyPlugin(PluginConformance)` and say how the plugin is made.

    For a plugin that connects to a backend, inherit `ConnectionPluginConformance` instead.
    """

    # --- what the author says ---

    def make_plugin(self) -> PluginAbstract[Any]:
        """Make a new plugin, without a configuration: its section is read."""
        raise TypeError(f"{type(self).__name__} must say how its plugin is made: define make_plugin()")

    def make_config(self, uri: str) -> Mapping[str, Any]:  # noqa: ARG002 - for plugins with a backend
        """Make the plugin's section of the configuration.

        Args:
            uri: Where the backend is; empty for a plugin without one.
        """
        return {}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        """Make sections that must be refused, each with one mistake; put `PLANTED` where the wrong value is."""
        return []

    # --- the ground ---

    @pytest.fixture
    def uri(self) -> str:
        """Where the plugin under test finds its backend."""
        return ""

    def build(self, uri: str, *more: PluginAbstract[Any], log_level: str = "info") -> ApplicationAbstract[Any]:
        """Build an application with the plugin, and more plugins after it."""
        plugin = self.make_plugin()
        sections = {plugin.section: self.make_config(uri)} if plugin.section else {}
        return build([plugin, *more], sections, log_level=log_level)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run asynchronous work, and check that it leaves nothing behind."""
        run(work, afterwards=self.heal)

    def heal(self) -> None:
        """Remove what a test broke."""

    def check_untouched(self) -> None:
        """Check that nobody talked to the backend."""

    @property
    def name(self) -> str:
        """The plugin's name in messages."""
        return self.make_plugin().name

    # --- what is checked ---

    def test_it_starts_and_stops(self, uri: str) -> None:
        """A plugin starts and stops with its application, and starts again."""

        async def work() -> None:
            application = self.build(uri)
            for _ in range(2):
                async with lifespan(application):
                    await self.check_running(application)

        self.run(work)

    def test_building_opens_nothing(self, uri: str) -> None:
        """Nothing is opened before the application starts: it may be built to be looked at, and dropped."""

        async def work() -> None:
            async with no_leaks(deadline_seconds=0.1):
                self.build(uri)

        self.run(work)
        self.check_untouched()

    def test_it_stops_when_another_plugin_fails_to_start(self, uri: str) -> None:
        """A failing start stops the plugins before it, and is told as that plugin's failure."""

        async def work() -> None:
            application = self.build(uri, FailingPlugin())
            try:
                async with lifespan(application):
                    pass
            except PluginStartError as error:
                check(
                    error.fields.get("plugin") == "FailingPlugin",
                    f"{self.name} was blamed for the failing start of another plugin: {error}",
                )
            except ExceptionGroup as failures:
                raise AssertionError(
                    f"{self.name} failed to stop after another plugin failed to start: {failures.exceptions[1:]}"
                ) from failures
            left = list(application.get_status_service().components)
            check(not left, f"{self.name} stopped, and its component {left} is still in the service's health")

        self.run(work)

    def test_stopping_twice_does_nothing(self, uri: str) -> None:
        """A second stop finds nothing to do."""

        async def work() -> None:
            application = self.build(uri)
            async with lifespan(application):
                pass
            for plugin in application.plugins:
                try:
                    await plugin.on_shutdown()
                except Exception as error:
                    raise AssertionError(
                        f"{plugin.name}: on_shutdown() fails when all is stopped: {error!r}"
                    ) from error

        self.run(work)

    def test_two_applications_run_at_once(self, uri: str) -> None:
        """Two applications of one process do not share the plugin's state."""

        async def work() -> None:
            first, second = self.build(uri), self.build(uri)
            async with lifespan(first):
                async with lifespan(second):
                    await self.check_running(first)
                    await self.check_running(second)
                await self.check_running(first)

        self.run(work)

    @pytest.mark.usefixtures("uri")
    def test_when_disabled_it_does_nothing(self) -> None:
        """`enabled: false` needs no other key, and then nothing is opened and nothing more is imported (FR16)."""

        async def work() -> None:
            async with lifespan(build([], {})):
                pass  # so that what any application imports late is imported
            loaded = set(sys.modules)
            section = self.make_plugin().section
            if not section:
                pytest.skip("the plugin has no section, so it cannot be disabled")
            application = build([self.make_plugin()], {section: {"enabled": False}})
            check(not application.plugins, f"{self.name} is disabled, and still among the application's plugins")
            async with no_leaks(deadline_seconds=0.1), lifespan(application):
                components = list(application.get_status_service().components)
                check(not components, f"{self.name} is disabled, and still in the service's health: {components}")
            more = sorted(set(sys.modules) - loaded)
            check(not more, f"{self.name} is disabled, and still had these modules imported: {', '.join(more)}")

        self.run(work)
        self.check_untouched()

    def test_a_wrong_configuration_is_one_error_without_the_value(self, uri: str) -> None:
        """A wrong section is refused before anything is opened, in one message that never quotes the value."""
        section = self.make_plugin().section
        if not section:
            pytest.skip("the plugin has no section, so it cannot be wrong")
        good = self.make_config(uri)
        wrong = [{**good, "enabled": PLANTED}, {**good, "no_such_key": PLANTED}, *self.make_bad_configs()]

        async def work() -> None:
            for config in wrong:
                try:
                    build([self.make_plugin()], {section: config})
                except ConfigBuilderError as error:
                    told = "".join(traceback.format_exception(error))
                    check(section in str(error), f"the error does not name the section {section!r}: {error}")
                    check(
                        PASSWORD not in told,
                        f"the error of a wrong section {section!r} quotes the value: let models extend PluginConfig, "
                        f"and keep values out of what validators raise. It says:\n{told}",
                    )
                except Exception as error:
                    raise AssertionError(
                        f"a wrong section {section!r} ends in {type(error).__name__} instead of a ConfigBuilderError: "
                        "let validators raise ValueError, without the value"
                    ) from error
                else:
                    keys = ", ".join(key for key, value in config.items() if good.get(key) != value)
                    raise AssertionError(f"{section}: a wrong value of {keys} is taken for good")

        self.run(work)

    async def check_running(self, application: ApplicationAbstract[Any]) -> None:
        """Check that the plugin of a running application works; by default that the service is ready."""
        status = application.get_status_service().status
        check(
            status.readiness is ReadinessStatusEnum.READY,
            f"the application with {self.name} runs, and is not ready: {status.reason}",
        )


PLANTED = PASSWORD
"""A value to be recognised, should anything quote it."""


def check(holds: object, otherwise: str) -> None:
    """Fail with a sentence that tells the plugin's author what to mend.

    Raises:
        AssertionError: It does not hold.
    """
    if not holds:
        raise AssertionError(otherwise)
