"""Ory Kratos (identities and sessions): who somebody is, and everybody who can sign in.

Importing the package needs no driver; the services say how to install theirs when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.services.kratos.errors import (
    KratosConflictError,
    KratosNotFoundError,
    KratosOperationError,
    KratosSecondFactorError,
    KratosSessionInvalidError,
    KratosUnavailableError,
)
from fastapi_factory_utilities.core.services.kratos.models import (
    KratosAddress,
    KratosAuthenticationMethod,
    KratosCredential,
    KratosDevice,
    KratosIdentity,
    KratosModel,
    KratosRecoveryCode,
    KratosRecoveryLink,
    KratosSession,
    KratosSessionInfo,
)
from fastapi_factory_utilities.core.services.kratos.pages import KratosPage

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.services.kratos.identities import KratosIdentityGenericService
    from fastapi_factory_utilities.core.services.kratos.recovery import KratosRecoveryService
    from fastapi_factory_utilities.core.services.kratos.service import KratosService
    from fastapi_factory_utilities.core.services.kratos.sessions import KratosSessionGenericService
    from fastapi_factory_utilities.core.services.kratos.whoami import KratosGenericWhoamiService

__all__ = [
    "KratosAddress",
    "KratosAuthenticationMethod",
    "KratosConflictError",
    "KratosCredential",
    "KratosDevice",
    "KratosGenericWhoamiService",
    "KratosIdentity",
    "KratosIdentityGenericService",
    "KratosModel",
    "KratosNotFoundError",
    "KratosOperationError",
    "KratosPage",
    "KratosRecoveryCode",
    "KratosRecoveryLink",
    "KratosRecoveryService",
    "KratosSecondFactorError",
    "KratosService",
    "KratosSession",
    "KratosSessionGenericService",
    "KratosSessionInfo",
    "KratosSessionInvalidError",
    "KratosUnavailableError",
]

_HERE = "fastapi_factory_utilities.core.services.kratos"
_ON_DEMAND = {
    "KratosGenericWhoamiService": "whoami",
    "KratosIdentityGenericService": "identities",
    "KratosRecoveryService": "recovery",
    "KratosService": "service",
    "KratosSessionGenericService": "sessions",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _ON_DEMAND:
        return getattr(import_module(f"{_HERE}.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
