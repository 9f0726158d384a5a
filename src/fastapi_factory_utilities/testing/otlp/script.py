"""What the collector answers next."""

import threading
from dataclasses import dataclass

__all__ = ["Answer", "Script", "wait_for"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; by default "thank you".

    Attributes:
        status: The HTTP status; over gRPC, the status that means the same.
        retry_after_seconds: When to come again; `None` says nothing about it.
        after_seconds: How long it takes to answer.
        hangs: Whether it never answers at all.
        garbage: Whether the answer is no OTLP.
    """

    status: int = 200
    retry_after_seconds: float | None = None
    after_seconds: float = 0.0
    hangs: bool = False
    garbage: bool = False

    @property
    def is_thanks(self) -> bool:
        """Whether what was sent is kept."""
        return self.status == 200 and not self.hangs  # noqa: PLR2004 - "OK"


class Script:
    """The answers to come, for all doors; safe from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer = Answer()
        self._times: int | None = None
        self._released = threading.Event()

    def set(self, answer: Answer, times: int | None = None) -> None:
        """Answer like that from now on, or so many times, and let those go that wait for an older answer."""
        with self._lock:
            self._answer, self._times = answer, times
            self._released.set()
            self._released = threading.Event()

    def next(self) -> tuple[Answer, threading.Event]:
        """Return the answer to one request, and the event that ends its waiting."""
        with self._lock:
            answer = self._answer
            if self._times is not None:
                self._times -= 1
                if self._times <= 0:
                    self._answer, self._times = Answer(), None
            return answer, self._released


def wait_for(answer: Answer, released: threading.Event) -> bool:
    """Take the time that an answer takes.

    Returns:
        Whether there is anything to say after it.
    """
    if answer.hangs:
        released.wait()
        return False
    if answer.after_seconds:
        released.wait(answer.after_seconds)
    return True
