"""What a span has besides attributes: events and links, with the names that an SDK's have."""

from collections.abc import Mapping
from typing import NamedTuple

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it
from fastapi_factory_utilities.core.telemetry import AttributeValue

# isort: split
from opentelemetry.trace import SpanContext

__all__ = ["SpanEvent", "SpanLink"]


class SpanEvent(NamedTuple):
    """What happened, and when.

    Attributes:
        name: What.
        attributes: The details.
        timestamp: Nanoseconds since 1970.
        dropped_attributes: Always 0: what is too much is left out without a count.
    """

    name: str
    attributes: Mapping[str, AttributeValue]
    timestamp: int
    dropped_attributes: int = 0


class SpanLink(NamedTuple):
    """Another span that this one has to do with.

    Attributes:
        context: The other's ids.
        attributes: The details.
        dropped_attributes: Always 0: what is too much is left out without a count.
    """

    context: SpanContext
    attributes: Mapping[str, AttributeValue]
    dropped_attributes: int = 0
