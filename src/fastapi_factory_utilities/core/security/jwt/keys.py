"""Keys that tokens are verified with (RFC 7517, 7518), and those that are refused."""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.security.jwt import required  # noqa: F401 - says how to install the rest

# isort: split
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key, OctKey, RSAKey, import_key

from fastapi_factory_utilities.core.security.jwt.algorithms import algorithms_for, kind_of_algorithm

__all__ = ["RefusedKeyError", "UsableKeys", "checked_key", "kind_of_key"]

# RFC 7518, 3.3 (2048 bits at least); beyond the larger ones verification takes so long that it is an attack by itself.
_RSA_BITS: Final = range(2048, 8193)
_EXPONENTS: Final = range(3, 2**32, 2)
_SECRET_BITS: Final = {"HS256": 256, "HS384": 384, "HS512": 512}  # RFC 7518, 3.2: as long as the hash


class RefusedKeyError(FastAPIFactoryUtilitiesError):
    """A key must not be used; the message says why, and holds nothing of the key."""


def kind_of_key(key: Key) -> str:
    """Return `RSA`, `oct`, or the name of the curve."""
    return str(key.get("crv") or key.key_type)


def checked_key(member: Mapping[str, Any] | Key) -> Key:
    """Make a key of a JWK, or look at one that is made.

    Raises:
        RefusedKeyError: It is malformed, weak, or says of itself that it is for something else.
    """
    try:
        key = _made(member) if isinstance(member, Mapping) else member
        said = key.as_dict(private=False) if key.key_type != "oct" else {**key.as_dict(), "k": ""}
        _refuse_other_uses(said)
        if isinstance(key, RSAKey):
            numbers = key.public_key.public_numbers()
            _refuse_weak_rsa(numbers.n.bit_length(), numbers.e)
        elif not isinstance(key, OctKey):
            _ = key.public_key  # the point is on its curve
    except RefusedKeyError:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The library's texts may quote members.
        raise RefusedKeyError(f"the key is malformed ({type(error).__name__})") from None
    if not algorithms_for(kind_of_key(key)):
        raise RefusedKeyError("the key is of a kind that no signature is made with")
    algorithm = said.get("alg")
    if algorithm is not None and kind_of_key(key) not in kind_of_algorithm(str(algorithm)):
        raise RefusedKeyError("the key's algorithm is not one of its kind of key")
    return key


def _made(member: Mapping[str, Any]) -> Key:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of weak keys, which are refused below
        return import_key(dict(member))


def _refuse_other_uses(said: Mapping[str, Any]) -> None:
    operations = said.get("key_ops")
    if said.get("use", "sig") != "sig" or (operations is not None and not {"verify", "sign"} & set(operations)):
        raise RefusedKeyError("the key is not for signatures")


def _refuse_weak_rsa(bits: int, exponent: int) -> None:
    if bits not in _RSA_BITS:
        raise RefusedKeyError(f"the key has {bits} bits; RSA keys must have {_RSA_BITS.start} to {_RSA_BITS.stop - 1}")
    if exponent not in _EXPONENTS:
        raise RefusedKeyError("the key's exponent is none that is in use")


class UsableKeys:
    """The keys of one issuer.

    Args:
        keys: Checked ones.

    Raises:
        RefusedKeyError: Two have the same `kid` and could verify the same token: nobody could say which one is meant.
    """

    __slots__ = ("_anonymous", "_by_kid", "_found", "keys")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys: tuple[Key, ...] = tuple(keys)
        kinds = Counter((key.kid, kind_of_key(key)) for key in self.keys if key.kid is not None)
        if any(count > 1 for count in kinds.values()):
            raise RefusedKeyError("two keys of an issuer have the same kid and kind")
        self._by_kid: dict[str, list[Key]] = {}
        for key in self.keys:
            if key.kid is not None:
                self._by_kid.setdefault(key.kid, []).append(key)
        self._anonymous = [key for key in self.keys if key.kid is None]
        self._found: dict[tuple[str | None, str], Key | None] = {}

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Return the one key that a token's header means; `None` if there is none, or more than one.

        Args:
            kid: The header's; without one the issuer must have exactly one key that fits.
            algorithm: The header's.
        """
        try:
            return self._found[kid, algorithm]
        except KeyError:
            pass
        candidates = self.keys if kid is None else self._by_kid.get(kid, ())
        fitting = [key for key in candidates if _fits(key, algorithm)]
        if kid is not None and not candidates:
            return None  # anybody may make kids up: they are not remembered
        found = self._found[kid, algorithm] = fitting[0] if len(fitting) == 1 else None
        return found


def _fits(key: Key, algorithm: str) -> bool:
    if kind_of_key(key) not in kind_of_algorithm(algorithm) or key.get("alg", algorithm) != algorithm:
        return False
    if isinstance(key, OctKey):
        return len(key.raw_value) * 8 >= _SECRET_BITS[algorithm]
    return True
