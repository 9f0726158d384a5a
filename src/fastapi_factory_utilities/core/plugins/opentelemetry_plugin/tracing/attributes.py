"""The attributes of spans: which values are allowed, how many, and those that many spans have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["NO_ATTRIBUTES", "Limits", "SharedAttributes", "cleaned"]

_SCALARS: Final = frozenset({str, bool, int, float})


class SharedAttributes(dict[str, AttributeValue]):
    """Attributes that many spans have in common; never changed once a span has them.

    Attributes:
        encoded: What an exporter made of them, so that it does so once.
    """

    __slots__ = ("encoded",)

    def __init__(self, attributes: Mapping[str, AttributeValue] | None = None) -> None:
        super().__init__(attributes or {})
        self.encoded: bytes | None = None


NO_ATTRIBUTES: Final = SharedAttributes()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one span holds; what is beyond is dropped, and counted.

    Attributes:
        attributes: Attributes of a span, an event or a link.
        events: Events of a span.
        links: Links of a span.
        value_length: Characters of a text; `None` for all.
    """

    attributes: int = 128
    events: int = 128
    links: int = 128
    value_length: int | None = None


def cleaned(value: Any, limit: int | None) -> AttributeValue | None:  # noqa: ANN401 - users pass anything
    """Make a value one that OpenTelemetry has: a text, a number, a bool, or a tuple of these.

    Args:
        value: What was given. Subclasses, enumerations among them, become what they extend; bytes are read as UTF-8.
        limit: How long a text may be.

    Returns:
        The value, or `None` when it cannot be told.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value[:limit] if kind is str and limit is not None else value  # type: ignore[no-any-return]  # just seen
    for scalar in (str, int, float):
        if isinstance(value, scalar):
            plain: AttributeValue = scalar.__str__(value) if scalar is str else scalar(value)
            return plain[:limit] if isinstance(plain, str) and limit is not None else plain
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:limit]
    if isinstance(value, Sequence | set | frozenset):
        return _sequence(value, limit)
    return None


def _sequence(values: Any, limit: int | None) -> AttributeValue | None:  # noqa: ANN401 - see above
    """Make a sequence one of a single type; texts, if its types differ."""
    items = [cleaned(value, limit) for value in values]
    if any(item is None or isinstance(item, tuple) for item in items):
        return None
    if len({type(item) for item in items}) > 1:
        items = [str(item) for item in items]
    return cast("AttributeValue", tuple(items))  # of one type, as was seen to
