"""What the tests of our users import.

An application running inside a test (`running_app`), a TCP proxy that breaks the line (`FaultProxy`), real backends
started privately (`mongo_server`, `rabbitmq_server` and others), a check that nothing was left behind (`no_leaks`),
what every plugin must do, as tests to inherit (`PluginConformance`, `ConnectionPluginConformance`), trace stories
(`SpanCapture`, `assert_story`) and a scripted collector of telemetry (`OtlpCollector`). Installing the package also
gives pytest the fixtures of `fastapi_factory_utilities.testing.pytest_plugin`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_factory_utilities.testing.amqp import InMemoryBroker
    from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance, PluginConformance
    from fastapi_factory_utilities.testing.leaks import no_leaks
    from fastapi_factory_utilities.testing.otlp import OtlpCollector
    from fastapi_factory_utilities.testing.proxy import Direction, FaultProxy
    from fastapi_factory_utilities.testing.running import running_app
    from fastapi_factory_utilities.testing.servers import (
        BackendNotAvailable,
        Server,
        ServerError,
        mongo_server,
        postgres_server,
        rabbitmq_server,
        redis_server,
    )
    from fastapi_factory_utilities.testing.telemetry import SpanCapture, assert_no_orphans, assert_story

__all__ = [
    "BackendNotAvailable",
    "ConnectionPluginConformance",
    "Direction",
    "FaultProxy",
    "InMemoryBroker",
    "OtlpCollector",
    "PluginConformance",
    "Server",
    "ServerError",
    "SpanCapture",
    "assert_no_orphans",
    "assert_story",
    "mongo_server",
    "no_leaks",
    "postgres_server",
    "rabbitmq_server",
    "redis_server",
    "running_app",
]

_HOMES = {
    "BackendNotAvailable": "servers",
    "ConnectionPluginConformance": "conformance",
    "Direction": "proxy",
    "FaultProxy": "proxy",
    "InMemoryBroker": "amqp",
    "OtlpCollector": "otlp",
    "PluginConformance": "conformance",
    "Server": "servers",
    "ServerError": "servers",
    "SpanCapture": "telemetry",
    "assert_no_orphans": "telemetry",
    "assert_story": "telemetry",
    "mongo_server": "servers",
    "no_leaks": "leaks",
    "postgres_server": "servers",
    "rabbitmq_server": "servers",
    "redis_server": "servers",
    "running_app": "running",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import a name when somebody asks for it: pytest loads this package in every test run of every user."""
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - see the docstring

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
