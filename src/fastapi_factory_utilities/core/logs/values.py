"""Any value, made into what JSON knows: bounded, without secrets, whatever it is."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from fastapi_factory_utilities.core.logs.messages import cut, message_of, text_of
from fastapi_factory_utilities.core.redaction import REDACTED, is_secret_name, redact

__all__ = ["SCALARS", "VALUE_LIMIT", "Plain", "plain", "redacted"]

VALUE_LIMIT: Final = 10_000
"""The longest text of one value, in characters; what is cut off is counted in its place."""

_ITEMS: Final = 1_000  # in one value, nested ones included
_DEPTH: Final = 8
_INTEGER_BITS: Final = 10_000
_PAIR: Final = 2

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

SCALARS: Final = frozenset({str, int, float, bool, type(None)})
"""The types that can be written as they are."""


def redacted(value: Plain) -> Plain:
    """Mask known secrets in every text of a plain value."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redacted(part) for part in value]
    if isinstance(value, dict):
        return {redact(key): redacted(part) for key, part in value.items()}
    return value


def plain(value: Any, *, redacting: bool = False) -> Plain:  # noqa: ANN401 - that is the point
    """Make a value fit for a log line; never raises.

    Args:
        value: Anything at all.
        redacting: Mask known secrets in every text as well; a text that has to be cut is masked in any case.
    """
    return _Walk(redacting=redacting).walk(value, 0)


def _names_a_secret(key: object) -> bool:
    """Recognise the first half of a pair, such as an ASGI header: `(b"cookie", b"...")`."""
    return (
        is_secret_name(key.decode("latin-1") if isinstance(key, bytes) else key)
        if isinstance(key, str | bytes)
        else False
    )


class _Walk:
    """One walk through one value, with what is left of its allowance."""

    __slots__ = ("_characters", "_items", "_redacting")

    def __init__(self, *, redacting: bool) -> None:
        self._redacting = redacting
        self._characters = VALUE_LIMIT
        self._items = _ITEMS

    def walk(self, value: Any, depth: int) -> Plain:  # noqa: ANN401 - one line for each kind of value
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return] # it is a bool or None
        if kind is int:
            return self._integer(value)
        if kind is float:
            return self._number(value) if math.isfinite(value) else str(value)
        try:
            return self._other(value, depth)
        except Exception as error:  # noqa: BLE001 - a broken value must not cost the line
            return f"<{kind.__name__}, and reading it raised {type(error).__name__}>"

    def _other(self, value: Any, depth: int) -> Plain:  # noqa: ANN401, PLR0911 - one line for each kind of value
        if hasattr(value, "get_secret_value"):
            return REDACTED
        if isinstance(value, Enum):
            return self.walk(value.value, depth)
        if isinstance(value, BaseException):
            return self._text(f"{type(value).__name__}: {message_of(value)}")
        if isinstance(value, bytes | bytearray | memoryview):
            return self._text(repr(bytes(value[: 2 * VALUE_LIMIT])))
        if isinstance(value, list | tuple | set | frozenset | deque):
            return self._list(value, depth)
        if isinstance(value, Mapping):
            return self._dict(value.items(), len(value), depth)
        if is_dataclass(value) and not isinstance(value, type):
            shown = [(field.name, getattr(value, field.name)) for field in fields(value) if field.repr]
            return self._dict(shown, len(shown), depth)
        if hasattr(value, "__pydantic_fields__") and not isinstance(value, type):
            shown = [(name or "", part) for name, part in value.__repr_args__()]
            return self._dict(shown, len(shown), depth)
        return self._text(text_of(value))

    def _list(self, values: Any, depth: int) -> Plain:  # noqa: ANN401 - anything with a length
        if depth >= _DEPTH:
            return f"<{type(values).__name__} of {len(values)}, nested too deep>"
        shown: list[Plain] = []
        if len(values) == _PAIR and isinstance(values, tuple) and _names_a_secret(values[0]):
            return [self.walk(values[0], depth + 1), REDACTED]
        for value in values:
            if not self._afford():
                shown.append(f"...<{len(values) - len(shown)} more>")
                break
            shown.append(self.walk(value, depth + 1))
        return shown

    def _dict(self, items: Any, length: int, depth: int) -> Plain:  # noqa: ANN401 - pairs
        if depth >= _DEPTH:
            return f"<mapping of {length}, nested too deep>"
        shown: dict[str, Plain] = {}
        for key, value in items:
            if not self._afford():
                shown["..."] = f"<{length - len(shown)} more>"
                break
            name = self._text(key if type(key) is str else text_of(key))
            shown[name] = REDACTED if value is not None and is_secret_name(name) else self.walk(value, depth + 1)
        return shown

    def _afford(self) -> bool:
        self._items -= 1
        return self._items >= 0 and self._characters > 0

    def _text(self, text: str) -> str:
        text = cut(text, max(self._characters, 0))
        self._characters -= len(text)
        return redact(text) if self._redacting else text

    def _integer(self, value: int) -> Plain:
        bits = value.bit_length()  # `str` refuses integers of more than 4300 digits, and takes its time before
        return self._number(value) if bits <= _INTEGER_BITS else f"<integer of {bits} bits>"

    def _number(self, value: float) -> Plain:
        if self._redacting and REDACTED in redact(str(value)):
            return REDACTED
        return value
