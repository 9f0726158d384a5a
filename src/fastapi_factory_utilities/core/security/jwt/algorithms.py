"""The signature algorithms that tokens may have (RFC 7518, section 3; RFC 8037; RFC 9864)."""

from typing import Final

__all__ = ["ASYMMETRIC", "SYMMETRIC", "algorithms_for", "kind_of_algorithm"]

_KINDS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "ES256K": "secp256k1",
    "EdDSA": "Ed25519 Ed448",
    "Ed25519": "Ed25519",
    "Ed448": "Ed448",
    **dict.fromkeys(("HS256", "HS384", "HS512"), "oct"),
}

SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})
"""Whoever can verify these can sign as well: none of them unless it is asked for."""

ASYMMETRIC: Final = frozenset(_KINDS) - SYMMETRIC
"""All others; `none` is not among them."""


def kind_of_algorithm(algorithm: str) -> tuple[str, ...]:
    """Return the key types or curves that an algorithm goes with, as `keys.kind_of_key` names them; none if unknown."""
    return tuple(_KINDS.get(algorithm, "").split())


def algorithms_for(kind: str) -> frozenset[str]:
    """Return the algorithms that a kind of key goes with; none if no signature is made with it."""
    return frozenset(name for name, kinds in _KINDS.items() if kind in kinds.split())
