"""Where a request has its token."""

from abc import ABC, abstractmethod

from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.security.jwt.errors import InvalidJWTError

__all__ = ["BearerToken", "TokenCookie", "TokenHeader", "TokenPlace"]


class TokenPlace(ABC):
    """Finds the token of a request.

    Attributes:
        name: What it is called, for a person.
    """

    name: str

    @abstractmethod
    def find(self, request: HTTPConnection) -> str | None:
        """Return the token; `None` if there is none.

        Raises:
            InvalidJWTError: There are several: nobody could say which one a proxy before us has looked at.
        """


class BearerToken(TokenPlace):
    """The header `Authorization: Bearer ...`, the scheme in any case (RFC 6750, 2.1; RFC 9110, 11.1)."""

    name = "Authorization header"

    def find(self, request: HTTPConnection) -> str | None:
        """Return the token; `None` if there is none, or credentials of another kind."""
        value = _only(request, b"authorization")
        if value is None:
            return None
        scheme, _, token = value.partition(" ")
        return token.strip(" ") or None if scheme.lower() == "bearer" else None


class TokenHeader(TokenPlace):
    """A header whose whole value is the token.

    Attributes:
        key: Its name.

    Args:
        name: Its name, in any case.
    """

    def __init__(self, name: str) -> None:
        self.name: str = f"{name} header"
        self.key: str = name
        self._octets = name.lower().encode("ascii")

    def find(self, request: HTTPConnection) -> str | None:
        """Return the token; `None` if there is none."""
        value = _only(request, self._octets)
        return None if value is None else value.strip(" ") or None


class TokenCookie(TokenPlace):
    """A cookie. A browser sends it along by itself: protect what changes something against other sites (CSRF).

    Args:
        name: Its name; those that begin with `__Host-` cannot be set by other hosts (RFC 6265bis, 4.1.3.2).

    Attributes:
        key: Its name.
    """

    def __init__(self, name: str) -> None:
        self.name: str = f"cookie {name}"
        self.key: str = name

    def find(self, request: HTTPConnection) -> str | None:
        """Return the token; `None` if there is none."""
        return request.cookies.get(self.key) or None


def _only(request: HTTPConnection, name: bytes) -> str | None:
    """Return the value of a header."""
    found: bytes | None = None
    for key, value in request.scope["headers"]:
        if key == name:
            if found is not None:
                raise InvalidJWTError("the request has several headers with a token")
            found = value
    return None if found is None else found.decode("latin-1")
