"""What the plugin contract promises to a plugin author."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI

from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginConfig, PluginNotBoundError


class CacheConfig(PluginConfig):
    size: int = 3


class CachePlugin(PluginAbstract[CacheConfig]):
    section = "cache"


def test_the_type_parameter_names_the_configuration() -> None:
    assert CachePlugin.config_class is CacheConfig


def test_a_generic_base_in_between_keeps_the_configuration() -> None:
    class Between[T](PluginAbstract[CacheConfig]):
        pass

    class Last(Between[int]):
        pass

    assert Last.config_class is CacheConfig


def test_the_class_may_name_its_configuration_itself() -> None:
    class Named(PluginAbstract):
        config_class = CacheConfig

    assert Named.config_class is CacheConfig


def test_a_plugin_without_a_section_needs_nothing() -> None:
    class Bare(PluginAbstract):
        pass

    assert Bare.config_class is PluginConfig
    assert Bare().name == "Bare"


def test_an_unbound_plugin_says_what_to_do() -> None:
    plugin = CachePlugin()
    assert not plugin.is_bound
    with pytest.raises(PluginNotBoundError, match=r"CachePlugin was not given .* builder's plugins"):
        _ = plugin.config
    with pytest.raises(PluginNotBoundError, match="CachePlugin"):
        _ = plugin.context


async def test_the_hooks_are_the_default_lifespan() -> None:
    heard: list[str] = []

    class Hooked(PluginAbstract):
        async def on_startup(self) -> None:
            heard.append("up")

        async def on_shutdown(self) -> None:
            heard.append("down")

    async with Hooked().lifespan():
        heard.append("running")
    assert heard == ["up", "running", "down"]


async def test_a_lifespan_may_be_one_generator() -> None:
    class Generated(PluginAbstract):
        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            app.state.it = 1
            yield
            del app.state.it

    app = FastAPI()
    async with Generated().lifespan():
        assert app.state.it == 1
    assert not hasattr(app.state, "it")
