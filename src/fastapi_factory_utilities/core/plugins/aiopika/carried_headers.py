"""What of a message's headers can go with it when it is moved to another queue.

The driver reads more than it writes: a text that is not UTF-8 comes as bytes, which it does not take back, and a number
may be too large for what it would write it as. A message that could not be moved would come again and again.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import is_ours

__all__ = ["LEFT_OUT", "carried"]

LEFT_OUT: Final = "x-headers-left-out"
"""How many headers a message was parted from."""

# All of a message's properties go in one frame, and RabbitMQ's frames have 128 KiB; the other properties are strings of
# at most 255 bytes each.
_ROOM: Final = 131_072 - 4_096


def carried(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that can be written, in one frame; ours are never left out.

    Args:
        headers: As they came, and ours.
    """
    from pamqp import encode  # noqa: PLC0415 - reading the package needs no driver

    try:
        if len(encode.field_table(dict(headers))) <= _ROOM:
            return dict(headers)
    except Exception:  # noqa: BLE001, S110 - one by one, then
        pass
    kept: dict[str, Any] = {}
    room = _ROOM
    for name in sorted(headers, key=is_ours, reverse=True):
        value = _writable(headers[name])
        try:
            size = len(encode.field_table({name: value}))
        except (TypeError, ValueError, ArithmeticError, struct.error, RecursionError):
            continue
        if size <= room:
            kept[name] = value
            room -= size
    return {**kept, LEFT_OUT: len(headers) - len(kept)} if len(kept) < len(headers) else kept


def _writable(value: Any) -> Any:  # noqa: ANN401 - whatever a header is
    """Bytes are read as one type and written as another."""
    return bytearray(value) if isinstance(value, bytes) else value
