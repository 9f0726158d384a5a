"""What an implementation of `Inbox` remembers itself: the messages that this process is at."""

import time
from uuid import uuid4

__all__ = ["Claims"]


class Claims:
    """The claims of one process.

    All of them have one owner, so a claim whose answer was lost is known again by the one who repeats it. Whether
    somebody in this process is at a message is known here.

    Args:
        lease_seconds: How long a claim lasts.
    """

    def __init__(self, lease_seconds: float) -> None:
        self.owner: str = uuid4().hex
        self._lease = lease_seconds
        self._until: dict[str, float] = {}

    def begin(self, key: str) -> bool:
        """Begin to claim a message; return whether nobody in this process is at it."""
        now = time.monotonic()
        if self._until.get(key, now) > now:
            return False
        self._until[key] = now + self._lease
        return True

    def end(self, key: str) -> bool:
        """Forget a message; return whether somebody was at it."""
        return self._until.pop(key, None) is not None
