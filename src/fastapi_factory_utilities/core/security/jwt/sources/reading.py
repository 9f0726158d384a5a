"""What a JWK Set has in it that tokens can be verified with (RFC 7517, section 5)."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from fastapi_factory_utilities.core.security.jwt.sources import required  # noqa: F401 - says how to install the rest

# isort: split
from joserfc.jwk import Key

from fastapi_factory_utilities.core.security.jwt.keys import RefusedKeyError, UsableKeys, kind_of_key
from fastapi_factory_utilities.core.security.jwt.sources.documents import json_object
from fastapi_factory_utilities.core.security.jwt.sources.download import place
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError
from fastapi_factory_utilities.core.security.jwt.sources.members import is_for_signatures, verifying_key

__all__ = ["FetchedKeys", "read_keys"]

_MOST_KEYS: Final = 100


class FetchedKeys:
    """The keys of one issuer, as fetched.

    Args:
        keys: Those that can be used.
        refused: Why others were not taken.
    """

    __slots__ = ("_keys", "refused")

    def __init__(self, keys: UsableKeys, refused: tuple[str, ...] = ()) -> None:
        self._keys = keys
        self.refused: tuple[str, ...] = refused

    def __len__(self) -> int:
        return len(self._keys.keys)

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Return the one key that a token's header means; see `UsableKeys.find`."""
        return self._keys.find(kid, algorithm)


async def read_keys(content: bytes, url: str) -> FetchedKeys:
    """Read a JWK Set; a key that cannot be used is left out, and hinders no other.

    Args:
        content: The document.
        url: Where it is from.

    Raises:
        KeySourceError: It is no JWK Set, or has no key in it to verify a token with.
    """
    told = place(url)
    members = json_object(content, told).get("keys")
    if not isinstance(members, list):
        raise KeySourceError(f"{told} is no JWK Set: it has no list `keys`")
    if len(members) > _MOST_KEYS:
        raise KeySourceError(f"{told} has {len(members)} keys in it, and no more than {_MOST_KEYS} are read")
    read: list[Key] = []
    refused: list[str] = []
    for number, member in enumerate(members):
        # Reading one takes up to a millisecond: others get their turn in between.
        await asyncio.sleep(0)
        reason = _read(member, read)
        if reason is not None:
            refused.append(f"keys[{number}]: {reason}")
    keys = _unambiguous(read)
    if len(keys) < len(read):
        refused.append(
            f"{len(read) - len(keys)} keys have the same kid and kind as others: nobody knows which is meant"
        )
    if not keys:
        raise KeySourceError(f"{told} has no key to verify tokens with: {'; '.join(refused[:3]) or 'it is empty'}")
    return FetchedKeys(UsableKeys(keys), tuple(refused))


def _read(member: object, keys: list[Key]) -> str | None:
    """Add a member's key; say why not if that is a reason to worry."""
    if not isinstance(member, Mapping):
        return "it is no JSON object"
    if not is_for_signatures(member):
        return None
    try:
        keys.append(verifying_key(member))
    except RefusedKeyError as error:
        return str(error)
    return None


def _unambiguous(keys: list[Key]) -> list[Key]:
    """Leave out keys whose `kid` and kind are the same (RFC 7517, section 4.5: kinds may differ)."""
    names = Counter((kind_of_key(key), key.kid) for key in keys)
    return [key for key in keys if key.kid is None or names[kind_of_key(key), key.kid] == 1]
