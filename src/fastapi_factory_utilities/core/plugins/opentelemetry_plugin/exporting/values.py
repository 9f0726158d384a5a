"""Attributes in OTLP: `KeyValue` and `AnyValue`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.exporting.wire import DOUBLE, delimited, text, varint

__all__ = ["AttributeEncoder", "any_value"]

_INT64: Final = 1 << 63
_KEPT_PAIRS: Final = 4096
_KEPT_VALUES: Final = 256  # of one key; a path or an id has another value each time
_KEPT_LENGTH: Final = 66  # octets; longer texts are rarely said twice


def any_value(value: object) -> bytes:
    """Encode an `AnyValue`; what OpenTelemetry has no kind for becomes its text."""
    if isinstance(value, str):
        return delimited(b"\x0a", text(value))
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        # int64 is all there is; beyond it the digits are at least right.
        return b"\x18" + varint(value) if -_INT64 <= value < _INT64 else delimited(b"\x0a", text(str(value)))
    if isinstance(value, float):
        return b"\x21" + DOUBLE(value)
    if value is None:
        return b""
    return _composed(value)


def _composed(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return delimited(b"\x3a", bytes(value))
    if isinstance(value, Mapping):
        pairs = b"".join(delimited(b"\x0a", _key_value(str(key), each)) for key, each in value.items())
        return delimited(b"\x32", pairs)
    if isinstance(value, Sequence):
        return delimited(b"\x2a", b"".join(delimited(b"\x0a", any_value(each)) for each in value))
    return delimited(b"\x0a", text(str(value)))


def _key_value(key: str, value: object) -> bytes:
    return delimited(b"\x0a", text(key)) + delimited(b"\x12", any_value(value))


class AttributeEncoder:
    """Encodes attributes as a repeated field of `KeyValue`, and remembers what it encoded.

    Most attributes of a service are the same again and again. For one thread only.

    Args:
        tag: The field's tag in the message that has the attributes.
    """

    __slots__ = ("_keys", "_numbers", "_tag", "_texts")

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._texts: dict[tuple[str, Any], bytes] = {}
        self._numbers: dict[tuple[str, Any], bytes] = {}  # apart, since 1 == True == 1.0
        self._keys: dict[str, _Key] = {}

    def encode(self, attributes: Mapping[str, Any] | None) -> bytes:
        """Encode attributes, in their order."""
        if not attributes:
            return b""
        texts, numbers = self._texts, self._numbers
        found = b""
        for pair in attributes.items():
            kind = type(pair[1])
            known = texts.get(pair) if kind is str else numbers.get(pair) if kind is int else None
            found += known or self._encode(pair)
        return found

    def _encode(self, pair: tuple[str, Any]) -> bytes:
        key, value = pair
        known = self._keys.get(key)
        if known is None:
            if len(self._keys) >= _KEPT_PAIRS:
                self._forget()
            known = self._keys[key] = _Key(delimited(b"\x0a", text(key)))
        kind = type(value)
        if kind is str:
            octets = text(value)
            inner = b"\x0a" + varint(len(octets)) + octets
        else:
            inner = any_value(value)
        content = known.field + b"\x12" + varint(len(inner)) + inner
        encoded = self._tag + varint(len(content)) + content
        if (kind is str or kind is int) and known.values < _KEPT_VALUES and len(inner) <= _KEPT_LENGTH:
            known.values += 1
            if len(self._texts) + len(self._numbers) >= _KEPT_PAIRS:
                self._forget()
            cache = self._texts if kind is str else self._numbers
            cache[pair] = encoded
        return encoded

    def _forget(self) -> None:
        """Forget everything rather than search for what is old: the frequent is back within one batch."""
        self._texts.clear()
        self._numbers.clear()
        self._keys.clear()


class _Key:
    __slots__ = ("field", "values")

    def __init__(self, field: bytes) -> None:
        self.field = field
        self.values = 0
