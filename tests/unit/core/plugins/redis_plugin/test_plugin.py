"""What the plugin is before any server; how it runs is in tests/integration/redis."""

import subprocess
import sys

import pytest

from fastapi_factory_utilities.core import plugins
from fastapi_factory_utilities.core.plugins import redis_client, redis_plugin
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisConfig, RedisPlugin


@pytest.mark.parametrize("package", [redis_client, redis_plugin], ids=["client", "plugin"])
def test_every_promised_name_is_there_and_the_promise_is_sorted(package: object) -> None:
    promised = list(package.__all__)  # type: ignore[attr-defined]  # any package
    assert promised == sorted(promised)
    for name in promised:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = package.nowhere  # type: ignore[attr-defined]  # likewise


def test_it_is_a_connection_with_a_section() -> None:
    assert issubclass(RedisPlugin, plugins.ConnectionPlugin)
    assert (RedisPlugin.section, RedisPlugin.config_class) == ("redis", RedisConfig)
    assert RedisPlugin.component == "cache:Redis"


def test_importing_it_needs_no_driver_and_using_it_says_how_to_install_one() -> None:
    program = """
import sys
sys.modules["redis"] = None
from fastapi_factory_utilities.core.plugins import MissingExtraError
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisConfig, RedisPlugin
from fastapi_factory_utilities.core.plugins import redis_client
RedisConfig(url="redis://host")
for use in (RedisPlugin().on_load, lambda: redis_client.make_client):
    try:
        use()
    except MissingExtraError as error:
        assert "fastapi-factory-utilities[redis]" in str(error), error
    else:
        raise SystemExit("nothing was said")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
