"""What the tests of our users import.

An application running inside a test (`running_app`), a TCP proxy that breaks the line (`FaultProxy`), real backends
started privately (`mongo_server`, `rabbitmq_server` and others), a check that nothing was left behind (`no_leaks`), and
what every plugin must do, as tests to inherit (`PluginConformance`, `ConnectionPluginConformance`). Installing the
package also gives pytest the fixtures of `fastapi_factory_utilities.testing.pytest_plugin`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_factory_utilities.testing.amqp import InMemoryBroker
    from fastapi_factory_utilities.testing.conformance import ConnectionPluginConformance, PluginConformance
    from fastapi_factory_utilities.testing.leaks import no_leaks
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

__all__ = [
    "BackendNotAvailable",
    "ConnectionPluginConformance",
    "Direction",
    "FaultProxy",
    "InMemoryBroker",
    "PluginConformance",
    "Server",
    "ServerError",
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
    "PluginConformance": "conformance",
    "Server": "servers",
    "ServerError": "servers",
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
