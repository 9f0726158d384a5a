"""Verified tokens, remembered for a while."""

import time
from collections import OrderedDict
from hashlib import sha256

__all__ = ["VerifiedTokens"]


class VerifiedTokens[PayloadT]:
    """What tokens said when they were verified; of the tokens themselves only a hash is kept.

    Args:
        size: How many are remembered; those that were used longest ago go first.
        seconds: For how long, and never beyond a token's end.
    """

    __slots__ = ("_known", "_seconds", "_size")

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._known: OrderedDict[bytes, tuple[PayloadT, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, token: str) -> PayloadT | None:
        """Return what a token said, if it is remembered and not over."""
        key = _key(token)
        known = self._known.get(key)
        if known is None:
            return None
        if known[1] <= time.time():
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return known[0]

    def add(self, token: str, payload: PayloadT, ends: float) -> None:
        """Remember a verified token.

        Args:
            token: It.
            payload: What it says.
            ends: When it ends, in seconds since 1970.
        """
        self._known[_key(token)] = (payload, min(ends, time.time() + self._seconds))
        while len(self._known) > self._size:
            self._known.popitem(last=False)


def _key(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
