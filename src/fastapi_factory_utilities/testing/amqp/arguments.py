"""What the arguments of a queue ask for (RabbitMQ, "Queues": Optional Arguments)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fastapi_factory_utilities.testing.amqp.faults import ChannelFault

__all__ = ["COMPARED_ARGUMENTS", "QueueArguments"]

_NUMBERS = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-delivery-limit", "x-max-priority")
_OVERFLOWS = ("drop-head", "reject-publish", "reject-publish-dlx")
_TYPES = ("classic", "quorum")
_HIGHEST_PRIORITY = 255
# A queue that is declared again must ask for the same; other arguments are for somebody else.
COMPARED_ARGUMENTS = (
    *_NUMBERS,
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-overflow",
    "x-queue-type",
    "x-single-active-consumer",
)


@dataclass(frozen=True, slots=True)
class QueueArguments:
    """The arguments of a queue, checked."""

    message_ttl_ms: int | None = None
    expires_ms: int | None = None
    max_length: int | None = None
    max_length_bytes: int | None = None
    max_priority: int = 0
    overflow: str = "drop-head"
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    delivery_limit: int | None = None
    quorum: bool = False
    single_active_consumer: bool = False

    @classmethod
    def read(cls, queue: str, arguments: Mapping[str, Any]) -> Self:
        """Read them.

        Raises:
            ChannelFault: When one of them makes no sense.
        """
        for name in _NUMBERS:
            number = arguments.get(name)
            if number is not None and (type(number) is not int or number < (name == "x-expires")):
                raise _invalid(queue, name, number)
        kind = arguments.get("x-queue-type") or "classic"
        overflow = arguments.get("x-overflow") or "drop-head"
        for name, value, known in (("x-queue-type", kind, _TYPES), ("x-overflow", overflow, _OVERFLOWS)):
            if value not in known:
                raise _invalid(queue, name, value)
        for name in ("x-dead-letter-exchange", "x-dead-letter-routing-key"):
            if not isinstance(arguments.get(name, ""), str):
                raise _invalid(queue, name, arguments[name])
        if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
            raise ChannelFault(406, f"routing_key_but_no_dlx_defined for queue '{queue}'")
        if arguments.get("x-max-priority", 0) > _HIGHEST_PRIORITY:
            raise _invalid(queue, "x-max-priority", arguments["x-max-priority"])
        return cls(
            message_ttl_ms=arguments.get("x-message-ttl"),
            expires_ms=arguments.get("x-expires"),
            max_length=arguments.get("x-max-length"),
            max_length_bytes=arguments.get("x-max-length-bytes"),
            max_priority=arguments.get("x-max-priority", 0),
            overflow=overflow,
            dead_letter_exchange=arguments.get("x-dead-letter-exchange"),
            dead_letter_routing_key=arguments.get("x-dead-letter-routing-key"),
            delivery_limit=arguments.get("x-delivery-limit"),
            quorum=kind == "quorum",
            single_active_consumer=arguments.get("x-single-active-consumer") is True,
        )


def _invalid(queue: str, name: str, value: object) -> ChannelFault:
    return ChannelFault(406, f"invalid arg '{name}' for queue '{queue}': {value!r}")
