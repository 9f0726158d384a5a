"""What every plugin must do, as tests to inherit.

::

    class TestCachePlugin(ConnectionPluginConformance):
        def make_plugin(self) -> CachePlugin:
            return CachePlugin()

        def make_config(self, uri: str) -> dict[str, object]:
            return {"url": uri}

        @pytest.fixture
        def backend_uri(self, cache_server: CacheServer) -> str:
            return cache_server.uri

The tests build real applications through the real configuration, and break the line with a `FaultProxy`. They are plain
synchronous methods that run an event loop of their own, so they need no asynchronous pytest plugin and get along with
any. On a machine that is slow or busy, `FFU_TEST_PATIENCE=3` makes every deadline three times as long.
"""

from fastapi_factory_utilities.testing.conformance.connection import ConnectionPluginConformance
from fastapi_factory_utilities.testing.conformance.plugin import PluginConformance

__all__ = ["ConnectionPluginConformance", "PluginConformance"]
