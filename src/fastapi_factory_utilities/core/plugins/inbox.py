"""What remembers the messages that were processed, so that one delivered twice has its effect once."""

from enum import StrEnum
from typing import Protocol

__all__ = ["Claim", "Inbox"]


class Claim(StrEnum):
    """What an inbox knows of a message.

    Attributes:
        NEW: Nobody has it: it is the caller's now, until `done`, `release`, or the end of the claim's lease.
        BUSY: Somebody else is at it; ask again later.
        DONE: It was processed.
    """

    NEW = "new"
    BUSY = "busy"
    DONE = "done"


class Inbox(Protocol):
    """Remembers messages by a key: a consumer's name and the message's id.

    A consumer that dies between its effect and `done` leaves a claim that ends with its lease, and the message is
    processed again: where that must not be, write the effect and the key in one transaction.
    """

    async def claim(self, key: str) -> Claim:
        """Claim a message.

        Raises:
            BackendUnavailableError: Where the keys are kept does not answer.
        """
        ...

    async def done(self, key: str) -> None:
        """Remember a message that was claimed as processed.

        Raises:
            BackendUnavailableError: Where the keys are kept does not answer.
        """
        ...

    async def release(self, key: str) -> None:
        """Give a claimed message back, so that it can be claimed again at once.

        Raises:
            BackendUnavailableError: Where the keys are kept does not answer.
        """
        ...
