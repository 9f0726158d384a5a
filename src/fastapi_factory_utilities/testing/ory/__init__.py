"""Ory's servers as tests need them: in this process, on loopback, with people in them, and out of order when told.

The extra `http` has to be installed; Ory's own clients work against them as well as ours do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_factory_utilities.testing.ory.hydra import FakeHydra
    from fastapi_factory_utilities.testing.ory.kratos import FakeKratos
    from fastapi_factory_utilities.testing.ory.kratos_sessions import COOKIE_NAME, SignedIn
    from fastapi_factory_utilities.testing.ory.requests import OryRequest
    from fastapi_factory_utilities.testing.ory.server import OryServer

__all__ = ["COOKIE_NAME", "FakeHydra", "FakeKratos", "OryRequest", "OryServer", "SignedIn"]

_HERE = "fastapi_factory_utilities.testing.ory"
_HOMES = {
    "COOKIE_NAME": "kratos_sessions",
    "FakeHydra": "hydra",
    "FakeKratos": "kratos",
    "OryRequest": "requests",
    "OryServer": "server",
    "SignedIn": "kratos_sessions",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _HOMES:
        return getattr(import_module(f"{_HERE}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
