"""What the plugin is before any server; how it runs is in tests/integration/mongo."""

import logging

import pytest

from fastapi_factory_utilities.core import plugins
from fastapi_factory_utilities.core.plugins import odm_plugin
from fastapi_factory_utilities.core.plugins.odm_plugin import ODMConfig, ODMPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.plugin import _keep_the_driver_from_telling_everything


def test_every_promised_name_is_there_and_the_promise_is_sorted() -> None:
    assert odm_plugin.__all__ == sorted(odm_plugin.__all__)
    for name in odm_plugin.__all__:
        assert getattr(odm_plugin, name) is not None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = odm_plugin.nowhere


def test_it_is_a_connection_with_a_section() -> None:
    assert issubclass(ODMPlugin, plugins.ConnectionPlugin)
    assert (ODMPlugin.section, ODMPlugin.config_class) == ("odm", ODMConfig)
    assert ODMPlugin.component == "database:MongoDB"


def test_the_driver_keeps_to_itself_unless_somebody_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = logging.getLogger("pymongo")
    monkeypatch.setattr(driver, "level", logging.NOTSET)
    _keep_the_driver_from_telling_everything()
    assert driver.level == logging.INFO
    monkeypatch.setattr(driver, "level", logging.DEBUG)
    _keep_the_driver_from_telling_everything()
    assert driver.level == logging.DEBUG
