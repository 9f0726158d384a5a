"""What can go wrong with an issuer's keys.

::

    FastAPIFactoryUtilitiesError
    ├── KeySourceError                 keys could not be fetched; told in health and logs, never to a request
    └── BackendUnavailableError
        └── KeysUnavailableError       there are no keys (yet, or any more) to verify a token with (HTTP 503)
"""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = ["KeySourceError", "KeysUnavailableError"]


class KeySourceError(FastAPIFactoryUtilitiesError):
    """An issuer's keys could not be fetched, or what was fetched is of no use; the field `issuer` says whose."""


class KeysUnavailableError(BackendUnavailableError):
    """No key of an issuer is held, so that nobody can say whether its tokens are good; over HTTP a 503 problem."""
