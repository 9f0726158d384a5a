"""Which members of a provider's JWK Set are keys to verify tokens with, and which are a reason to worry."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.security.jwt.sources import required  # noqa: F401 - says how to install the rest

# isort: split
from joserfc.jwk import Key

from fastapi_factory_utilities.core.security.jwt.keys import RefusedKeyError, checked_key

__all__ = ["is_for_signatures", "verifying_key"]

_CURVES: Final = ("P-256", "P-384", "P-521", "secp256k1", "Ed25519", "Ed448")

# What an RSA key of 8192 bits needs. Larger numbers of any kind take long to be found to be wrong.
_NUMBERS: Final = ("n", "e", "x", "y")
_LONGEST_NUMBER: Final = 1400
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def is_for_signatures(member: Mapping[str, Any]) -> bool:
    """Whether a member is a key that verifies signatures, of a kind that we know.

    Others are ignored: keys for encryption, and kinds that are not known (RFC 7517, section 5).
    """
    operations = member.get("key_ops", ["verify"])
    return (
        member.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and member.get("kty") in ("RSA", "EC", "OKP", "oct")
        and (member["kty"] not in ("EC", "OKP") or member.get("crv") in _CURVES)
    )


def verifying_key(member: Mapping[str, Any]) -> Key:
    """Make the key of a member.

    Raises:
        RefusedKeyError: It is private or a shared secret, weak, or malformed.
    """
    if member.get("kty") == "oct":
        raise RefusedKeyError("the key is a shared secret: whoever can read it can sign")
    if not _PRIVATE.isdisjoint(member):
        raise RefusedKeyError("the key is private: whoever can read it can sign")
    if any(len(member[name]) > _LONGEST_NUMBER for name in _NUMBERS if isinstance(member.get(name), str)):
        raise RefusedKeyError("the key is longer than keys are")
    return checked_key(member)
