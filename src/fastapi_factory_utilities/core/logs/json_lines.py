"""One event, one line of JSON (RFC 8259)."""

from collections.abc import Mapping

from fastapi_factory_utilities.core.logs.clock import utc_timestamp
from fastapi_factory_utilities.core.logs.encoding import encode, encode_text, tame
from fastapi_factory_utilities.core.logs.values import Plain

__all__ = ["json_line"]


def json_line(created: float, level: str, name: str, event: str, entry: Mapping[str, Plain]) -> tuple[str, str]:
    """Render an event.

    Args:
        created: When, in seconds of the epoch.
        level: Its level's name in lower case.
        name: The logger's name.
        event: What happened.
        entry: Its keys and plain values.

    Returns:
        The line in two parts: what cannot hold a secret, and what can.

    Raises:
        ValueError: A number is not one in JSON.
    """
    head = f'{{"timestamp":"{utc_timestamp(created)}","level":"{level}","logger":{encode_text(name)}'
    body = f',"event":{encode_text(event)}{"," + encode(entry)[1:] if entry else "}"}'
    return head if head.isascii() else tame(head), body if body.isascii() else tame(body)
