"""What a span says of an exception: its type, its message and where it was raised, never a secret."""

import traceback
from collections.abc import Iterator
from typing import Final

from fastapi_factory_utilities.core.logs.messages import message_of
from fastapi_factory_utilities.core.redaction import redact

__all__ = ["describe", "is_failure", "type_name"]

_FRAMES: Final = 20
_CHAIN: Final = 3  # causes
_MESSAGE: Final = 1024
_TRACE: Final = 8192


def is_failure(error: BaseException | None) -> bool:
    """Say whether an exception means that the operation failed; to be cancelled or told to stop does not."""
    return isinstance(error, Exception)


def type_name(error: BaseException) -> str:
    """Return the name of an exception's class, as `error.type` has it: with its module, unless it is built in."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def describe(error: BaseException) -> dict[str, str]:
    """Return the attributes of the event `exception`, shortened to what helps; secrets are masked."""
    return {
        "exception.type": type_name(error),
        "exception.message": redact(message_of(error))[:_MESSAGE],
        "exception.stacktrace": redact("".join(_stacktrace(error, _CHAIN)))[-_TRACE:],
    }


def _stacktrace(error: BaseException, chain: int) -> Iterator[str]:
    """Print it as Python does, but with messages as the log has them: that of a validation error quotes its input."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and chain > 0:
        yield from _stacktrace(cause, chain - 1)
        yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__, -_FRAMES)
    yield f"{type_name(error)}: {message_of(error)}\n"
