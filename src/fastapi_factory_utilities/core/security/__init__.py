"""Who asks, and what they may: `jwt` for JSON Web Tokens, and sessions of Ory Kratos.

Importing the package needs no extra; names that need one say how to install it when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.security.kratos import (
        KratosSecondFactorRequiredError,
        KratosSessionAuthenticationService,
        KratosSessionRequiredError,
        require_kratos_session,
    )

__all__ = [
    "KratosSecondFactorRequiredError",
    "KratosSessionAuthenticationService",
    "KratosSessionRequiredError",
    "require_kratos_session",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what is Kratos' when somebody asks for it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.kratos"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
