"""Where the keys of issuers come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from joserfc.jwk import Key

__all__ = ["Introspected", "Introspector", "JWKStoreAbstract", "JWKStoreMemory"]


class JWKStoreAbstract(ABC):
    """Gives the key that a token must be verified with."""

    @abstractmethod
    async def find_key(self, issuer: str, kid: str | None, algorithm: str) -> "Key | None":
        """Return the key of an issuer that a token's header means.

        A key of another issuer is never returned, whatever its `kid`: each issuer chooses its own names.

        Args:
            issuer: The token's `iss`, which is one of those that are authorized.
            kid: The header's `kid`, if there is one.
            algorithm: The header's `alg`, which is one of those that are authorized.

        Returns:
            The key; `None` if the issuer has none that fits, or several.

        Raises:
            BackendUnavailableError: The issuer's keys are not known now.
        """


class JWKStoreMemory(JWKStoreAbstract):
    """Keys that are given: for tests, and for issuers whose keys do not change.

    Args:
        keys: Of each issuer, a JWK Set (`{"keys": [...]}`), or JWKs, or joserfc's keys.

    Raises:
        MissingExtraError: The extra `jwt` is not installed.
        RefusedKeyError: One of them is malformed or weak, or two cannot be told apart.
    """

    def __init__(
        self, keys: "Mapping[str, Mapping[str, Any] | Iterable[Mapping[str, Any] | Key]] | None" = None
    ) -> None:
        self._keys: dict[str, Any] = {}
        for issuer, its_keys in (keys or {}).items():
            self.set_keys(issuer, its_keys)

    def set_keys(self, issuer: str, keys: "Mapping[str, Any] | Iterable[Mapping[str, Any] | Key]") -> None:
        """Replace the keys of an issuer.

        Args:
            issuer: As in `iss`.
            keys: As for the constructor.

        Raises:
            RefusedKeyError: As for the constructor; the issuer then keeps those that it had.
        """
        from fastapi_factory_utilities.core.security.jwt.keys import UsableKeys, checked_key  # noqa: PLC0415 - an extra

        members = keys["keys"] if isinstance(keys, Mapping) else keys
        self._keys[issuer] = UsableKeys(checked_key(member) for member in members)

    async def find_key(self, issuer: str, kid: str | None, algorithm: str) -> "Key | None":
        """Return the key of an issuer that a token's header means."""
        known = self._keys.get(issuer)
        found: Key | None = None if known is None else known.find(kid, algorithm)
        return found


class Introspected(Protocol):
    """What an issuer says of a token."""

    @property
    def active(self) -> bool:
        """Whether the token is good now."""
        ...


class Introspector(Protocol):
    """Asks the issuer about a token (RFC 7662): for tokens that are no JWT, or that can be revoked."""

    async def introspect(self, token: str, /) -> Introspected:
        """Return what the issuer says; a token that is not, or no more, good is a result and no error."""
        ...
