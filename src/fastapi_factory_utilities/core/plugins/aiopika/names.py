"""Names as AMQP allows them: text of at most 255 bytes."""

from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["ExchangeName", "QueueName", "RoutingKey"]

_LONGEST_BYTES: Final = 255  # a "short string" of AMQP 0-9-1


class _ShortText(str):
    """Text of at most 255 bytes; also a type for fields of pydantic models.

    Raises:
        ValueError: It is longer.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if len(text.encode()) > _LONGEST_BYTES:
            raise ValueError(f"{cls.__name__} must be at most {_LONGEST_BYTES} bytes, this has {len(text.encode())}")
        return super().__new__(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class ExchangeName(_ShortText):
    """The name of an exchange; empty is the default exchange, which hands a message to the queue of its routing key."""

    __slots__ = ()


class QueueName(_ShortText):
    """The name of a queue."""

    __slots__ = ()


class RoutingKey(_ShortText):
    """What an exchange routes a message by; words with dots between for topics: `books.created`."""

    __slots__ = ()
