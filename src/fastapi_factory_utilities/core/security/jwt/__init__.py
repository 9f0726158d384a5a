"""Who asks: JSON Web Tokens as bearer tokens.

Nothing is imported before somebody asks for it: every application knows the errors, few have tokens. Importing the
package needs no extra; the names that need one say how to install it when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
    from fastapi_factory_utilities.core.security.jwt.credentials import (
        BearerToken,
        TokenCookie,
        TokenHeader,
        TokenPlace,
    )
    from fastapi_factory_utilities.core.security.jwt.decoder import JWTBearerTokenDecoder
    from fastapi_factory_utilities.core.security.jwt.depends import JWTBearer, require_scopes
    from fastapi_factory_utilities.core.security.jwt.errors import (
        InsufficientScopeError,
        InvalidJWTError,
        JWTAuthenticationError,
        MissingJWTCredentialsError,
        NotVerifiedJWTError,
    )
    from fastapi_factory_utilities.core.security.jwt.keys import RefusedKeyError
    from fastapi_factory_utilities.core.security.jwt.payload import JWTPayload
    from fastapi_factory_utilities.core.security.jwt.service import (
        JWTAuthenticationService,
        JWTAuthenticationServiceAbstract,
    )
    from fastapi_factory_utilities.core.security.jwt.sources import (
        JWKStoreRemote,
        KeySourceConfig,
        KeySourceError,
        KeysUnavailableError,
    )
    from fastapi_factory_utilities.core.security.jwt.stores import Introspector, JWKStoreAbstract, JWKStoreMemory
    from fastapi_factory_utilities.core.security.jwt.token import JWTToken
    from fastapi_factory_utilities.core.security.jwt.verifier import JWTNoneVerifier, JWTVerifierAbstract

__all__ = [
    "BearerToken",
    "InsufficientScopeError",
    "Introspector",
    "InvalidJWTError",
    "JWKStoreAbstract",
    "JWKStoreMemory",
    "JWKStoreRemote",
    "JWTAuthenticationError",
    "JWTAuthenticationService",
    "JWTAuthenticationServiceAbstract",
    "JWTBearer",
    "JWTBearerAuthenticationConfig",
    "JWTBearerTokenDecoder",
    "JWTNoneVerifier",
    "JWTPayload",
    "JWTToken",
    "JWTVerifierAbstract",
    "KeySourceConfig",
    "KeySourceError",
    "KeysUnavailableError",
    "MissingJWTCredentialsError",
    "NotVerifiedJWTError",
    "RefusedKeyError",
    "TokenCookie",
    "TokenHeader",
    "TokenPlace",
    "require_scopes",
]

_MODULES: Final = {
    "config": ("JWTBearerAuthenticationConfig",),
    "credentials": ("BearerToken", "TokenCookie", "TokenHeader", "TokenPlace"),
    "decoder": ("JWTBearerTokenDecoder",),
    "depends": ("JWTBearer", "require_scopes"),
    "errors": (
        "InsufficientScopeError",
        "InvalidJWTError",
        "JWTAuthenticationError",
        "MissingJWTCredentialsError",
        "NotVerifiedJWTError",
    ),
    "keys": ("RefusedKeyError",),
    "payload": ("JWTPayload",),
    "service": ("JWTAuthenticationService", "JWTAuthenticationServiceAbstract"),
    "sources": ("JWKStoreRemote", "KeySourceConfig", "KeySourceError", "KeysUnavailableError"),
    "stores": ("Introspector", "JWKStoreAbstract", "JWKStoreMemory"),
    "token": ("JWTToken",),
    "verifier": ("JWTNoneVerifier", "JWTVerifierAbstract"),
}
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what somebody asks for."""
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
