"""What a token's header asks for, and what is refused there (RFC 7515, section 4; RFC 8725)."""

from typing import Final, NamedTuple

from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
from fastapi_factory_utilities.core.security.jwt.errors import InvalidJWTError
from fastapi_factory_utilities.core.security.jwt.parsing import object_of, octets_of

__all__ = ["Headers", "TokenHeader"]

# Keys that a token brings along prove nothing, and those it points to make us ask whomever it likes (RFC 8725, 3.10).
# Extensions that must be understood are none that we know (`crit`), the payload is base64url (`b64`, RFC 7797), and
# nothing is unpacked (`zip`).
_REFUSED: Final = ("crit", "b64", "jwk", "jku", "x5u", "zip")
_REMEMBERED: Final = 256
_LONGEST_KID: Final = 256


class TokenHeader(NamedTuple):
    """What matters of a header.

    Attributes:
        algorithm: One that is authorized.
        kid: The name of the key, if it has one.
    """

    algorithm: str
    kid: str | None


class Headers:
    """Reads headers; an issuer's tokens have the same header each time, so that most are read once.

    Args:
        config: Says which algorithms and types are accepted.
    """

    __slots__ = ("_algorithms", "_known", "_types")

    def __init__(self, config: JWTBearerAuthenticationConfig) -> None:
        self._algorithms = frozenset(config.authorized_algorithms)
        self._types = frozenset(map(_media_type, config.token_types))
        self._known: dict[str, TokenHeader] = {}

    def read(self, segment: str) -> TokenHeader:
        """Read the first part of a token.

        Raises:
            InvalidJWTError: It is malformed, or asks for what is refused.
        """
        known = self._known.get(segment)
        return self._read(segment) if known is None else known

    def remember(self, segment: str, header: TokenHeader) -> None:
        """Keep the header of a token that was verified; what anybody makes up is not kept."""
        if segment not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[segment] = header

    def _read(self, segment: str) -> TokenHeader:
        found = object_of(octets_of(segment))
        algorithm, kid = found.get("alg"), found.get("kid")
        if type(algorithm) is not str or algorithm not in self._algorithms:
            raise InvalidJWTError("the token's algorithm is not authorized")
        if any(name in found for name in _REFUSED):
            raise InvalidJWTError(f"the token's header must have none of {', '.join(_REFUSED)}")
        if kid is not None and (type(kid) is not str or len(kid) > _LONGEST_KID):
            raise InvalidJWTError("the token's kid is no name of a key")
        if self._types:
            said = found.get("typ")
            if type(said) is not str or _media_type(said) not in self._types:
                raise InvalidJWTError("the token is of another type")
        return TokenHeader(algorithm, kid)


def _media_type(name: str) -> str:
    """Return a media type in the form that can be compared (RFC 7515, 4.1.9): `application/` may be left out."""
    return name.lower().removeprefix("application/")
