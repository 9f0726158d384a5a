"""What a handler may raise to say what shall become of its message."""

__all__ = ["Reject", "Retry"]


class Reject(Exception):  # noqa: N818 - it steers, and is no error
    """Give the message up: it goes to the dead-letter queue at once, whatever attempts were left.

    Args:
        reason: Why, for the person who reads the dead letter. Never a secret.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Exception):  # noqa: N818 - it steers, and is no error
    """Try the message again later; like any failure it counts as an attempt.

    Args:
        reason: Why, for the log and, should it be the last attempt, for the dead letter. Never a secret.
        after: In how many seconds, instead of what the listener's retry policy says; rounded up to two significant
            digits.
    """

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
