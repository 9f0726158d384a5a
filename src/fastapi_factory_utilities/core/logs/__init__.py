"""Logs are events: a short stable name and key-value pairs, one line each, without a secret in it.

::

    from fastapi_factory_utilities.core.logs import get_logger

    _log = get_logger(__name__)
    _log.warning("plugin stop failed", plugin="odm")

Importing this costs next to nothing: what renders and writes lines is imported when there is a line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.logs.access import AccessLog
from fastapi_factory_utilities.core.logs.logger import Logger, get_logger

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.logs.access_lines import log_request, route_template
    from fastapi_factory_utilities.core.logs.context import add_context_provider
    from fastapi_factory_utilities.core.logs.hooks import install_exception_hooks, install_loop_exception_handler
    from fastapi_factory_utilities.core.logs.setup import configure_logging, reset_logging

__all__ = [
    "AccessLog",
    "Logger",
    "add_context_provider",
    "configure_logging",
    "get_logger",
    "install_exception_hooks",
    "install_loop_exception_handler",
    "log_request",
    "reset_logging",
    "route_template",
]

_HOMES = {
    "add_context_provider": "context",
    "configure_logging": "setup",
    "install_exception_hooks": "hooks",
    "install_loop_exception_handler": "hooks",
    "log_request": "access_lines",
    "reset_logging": "setup",
    "route_template": "access_lines",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what is asked for from its own module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
