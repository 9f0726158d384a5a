"""A plugin without a connection passes every check, with a section or without; each bad one fails the right check."""

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest
from pydantic import Field, field_validator

from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginConfig, PluginStartError
from fastapi_factory_utilities.core.rules import broken_rule
from fastapi_factory_utilities.core.services.status import ComponentInstanceType
from fastapi_factory_utilities.testing.conformance import PluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PLANTED


class GreetingConfig(PluginConfig):
    greeting: str = Field(max_length=5)


class GreetingPlugin(PluginAbstract[GreetingConfig]):
    section = "greeting"


class BarePlugin(PluginAbstract):
    pass


class TestPluginWithoutSection(PluginConformance):
    def make_plugin(self) -> BarePlugin:
        return BarePlugin()


class TestPluginWithSection(PluginConformance):
    def make_plugin(self) -> GreetingPlugin:
        return GreetingPlugin()

    def make_config(self, uri: str) -> dict[str, object]:
        return {"greeting": "hello"}

    def make_bad_configs(self) -> list[Mapping[str, Any]]:
        return [{"greeting": PLANTED}, {}]


opened: list[socket.socket] = []


@pytest.fixture(autouse=True)
def cleaned_up() -> Iterator[None]:
    yield
    while opened:
        opened.pop().close()


class IsNeverReady(GreetingPlugin):
    async def on_startup(self) -> None:
        self.context.status.register_component_instance(ComponentInstanceType.from_key("check:never"))


class LeaksOnStop(GreetingPlugin):
    async def on_shutdown(self) -> None:
        opened.append(socket.socket())


class SharesState(GreetingPlugin):
    running: ClassVar[list[object]] = []

    async def on_startup(self) -> None:
        if self.running:
            raise RuntimeError("there can be only one")
        self.running.append(self)

    async def on_shutdown(self) -> None:
        if self in self.running:
            self.running.remove(self)


class NeedsMore(GreetingPlugin):
    def __init__(self) -> None:
        super().__init__()
        opened.append(socket.socket())


class QuotesConfig(PluginConfig):
    greeting: str

    @field_validator("greeting")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > len("hello"):
            raise broken_rule(f"{value} is too long")
        return value


class QuotesItsConfig(GreetingPlugin):
    config_class = QuotesConfig


class NotChecked(GreetingPlugin):
    class Config(PluginConfig):
        greeting: Any

    config_class = Config


def trial_of(bad: type[GreetingPlugin]) -> PluginConformance:
    class Trial(TestPluginWithSection):
        def make_plugin(self) -> GreetingPlugin:
            return bad()

    return Trial()


CAUGHT: list[tuple[type[GreetingPlugin], Callable[[PluginConformance], None], str]] = [
    (IsNeverReady, lambda suite: suite.test_it_starts_and_stops(""), "is not ready: check:never: starting"),
    (LeaksOnStop, lambda suite: suite.test_it_starts_and_stops(""), "socket"),
    (SharesState, lambda suite: suite.test_two_applications_run_at_once(""), "there can be only one"),
    (NeedsMore, lambda suite: suite.test_when_disabled_it_does_nothing(), "socket"),
    (
        QuotesItsConfig,
        lambda suite: suite.test_a_wrong_configuration_is_one_error_without_the_value(""),
        "quotes the value",
    ),
    (
        NotChecked,
        lambda suite: suite.test_a_wrong_configuration_is_one_error_without_the_value(""),
        "greeting: a wrong value of greeting is taken for good",
    ),
]


@pytest.mark.parametrize(("bad", "check", "told"), CAUGHT, ids=[bad.__name__ for bad, _, _ in CAUGHT])
def test_a_bad_plugin_is_caught_by_the_check_of_its_fault(
    bad: type[GreetingPlugin], check: Callable[[PluginConformance], None], told: str
) -> None:
    with pytest.raises((AssertionError, PluginStartError), match=told):
        check(trial_of(bad))


def test_a_suite_that_does_not_say_how_its_plugin_is_made_is_told_to() -> None:
    class Trial(PluginConformance):
        pass

    with pytest.raises(TypeError, match="Trial must say how its plugin is made"):
        Trial().make_plugin()
