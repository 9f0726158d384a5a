"""What a client is told that is not let in (RFC 6750, section 3; RFC 9110, 11.6.1)."""

from typing import Final

from fastapi_factory_utilities.core.security.jwt.errors import (
    InsufficientScopeError,
    JWTAuthenticationError,
    MissingJWTCredentialsError,
)

__all__ = ["FORBIDDEN", "UNAUTHORIZED", "challenge_of"]

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403


def challenge_of(error: JWTAuthenticationError) -> tuple[int, str, str]:
    """Say what to answer.

    A request that tried nothing is told how to try. Every token that is not accepted gets the same answer: nobody
    learns by trying what was wrong with it.

    Returns:
        The status, the detail, and the value of `WWW-Authenticate`.
    """
    match error:
        case InsufficientScopeError():
            # Scopes are printable and have neither quote nor backslash (RFC 6749, 3.3).
            needed = " ".join(error.fields.get("required", ()))
            return FORBIDDEN, "The token does not allow this.", f'Bearer error="insufficient_scope", scope="{needed}"'
        case MissingJWTCredentialsError():
            return UNAUTHORIZED, "Authenticate to use this.", "Bearer"
        case _:
            return UNAUTHORIZED, "The token is not accepted.", 'Bearer error="invalid_token"'
