"""The keys of issuers, fetched from where they publish them: a JWKS URL, or what OpenID Connect discovery says.

Importing the package needs no extra; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError, KeysUnavailableError
from fastapi_factory_utilities.core.security.jwt.sources.telling import KeySourceState

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.security.jwt.sources.source import KeySource
    from fastapi_factory_utilities.core.security.jwt.sources.store import JWKStoreRemote

__all__ = [
    "JWKStoreRemote",
    "KeySource",
    "KeySourceConfig",
    "KeySourceError",
    "KeySourceState",
    "KeysUnavailableError",
]

_NEED_THE_EXTRA = {
    "JWKStoreRemote": "fastapi_factory_utilities.core.security.jwt.sources.store",
    "KeySource": "fastapi_factory_utilities.core.security.jwt.sources.source",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the extra when somebody asks for it."""
    if name in _NEED_THE_EXTRA:
        return getattr(import_module(_NEED_THE_EXTRA[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
