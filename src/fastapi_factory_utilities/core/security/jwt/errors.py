"""What can be wrong with a request's token.

::

    FastAPIFactoryUtilitiesError
    └── JWTAuthenticationError            HTTP 401, the same answer whatever is wrong
        ├── MissingJWTCredentialsError    there is no token
        ├── InvalidJWTError               it is malformed, or its claims are not for us, or not for now
        ├── NotVerifiedJWTError           its signature is not that of a key of its issuer
        └── InsufficientScopeError        it is good, and allows something else (HTTP 403)

The messages are for logs and tests: a client learns nothing of them, and they hold nothing of the token.
"""

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = [
    "InsufficientScopeError",
    "InvalidJWTError",
    "JWTAuthenticationError",
    "MissingJWTCredentialsError",
    "NotVerifiedJWTError",
]


class JWTAuthenticationError(FastAPIFactoryUtilitiesError):
    """A request is not authenticated by a token; over HTTP a 401 problem."""


class MissingJWTCredentialsError(JWTAuthenticationError):
    """A request has no token where one is looked for."""


class InvalidJWTError(JWTAuthenticationError):
    """A token is malformed, of a kind that is refused, or its claims are not for this service or this time."""


class NotVerifiedJWTError(JWTAuthenticationError):
    """A token's signature is not that of a key which its issuer is known to have."""


class InsufficientScopeError(JWTAuthenticationError):
    """A token is good, and does not have the scopes that are needed; over HTTP a 403 problem.

    The field `required` names the scopes.
    """
