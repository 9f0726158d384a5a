"""What a client did wrong, as AMQP says it (AMQP 0-9-1, "Constants"; texts as RabbitMQ words them)."""

__all__ = ["ChannelFault", "ConnectionFault", "Fault"]

_NAMES = {
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}
_LONGEST_TEXT = 255  # a short string


class Fault(Exception):  # noqa: N818 - it never leaves the broker: the client is told, with its code
    """A mistake of a client."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        whole = f"{_NAMES.get(code, 'CONNECTION_FORCED')} - {text}"
        self.text: str = whole.encode()[:_LONGEST_TEXT].decode(errors="ignore")


class ChannelFault(Fault):
    """A mistake that closes its channel."""


class ConnectionFault(Fault):
    """A mistake that closes its connection."""
