"""What may not be declared."""

from fastapi_factory_utilities.testing.amqp.faults import ChannelFault

__all__ = ["not_reserved", "not_the_default", "same"]

_RESERVED = "amq."


def not_reserved(kind: str, name: str) -> None:
    """Refuse a name of the broker's own."""
    if name.startswith(_RESERVED):
        raise ChannelFault(403, f"{kind} name '{name}' contains reserved prefix 'amq.*'")


def not_the_default(*names: str | None) -> None:
    """Refuse what may not be done to the default exchange."""
    if "" in names:
        raise ChannelFault(403, "operation not permitted on the default exchange")


def same(what: str, name: str, asked: object, known: object) -> None:
    """Refuse a declaration that asks for something else than what is there."""
    if asked != known:
        difference = f"received {_told(asked)} but current is {_told(known)}"
        raise ChannelFault(406, f"inequivalent arg '{name}' for {what}: {difference}")


def _told(value: object) -> str:
    return "none" if value is None else f"'{str(value).lower() if isinstance(value, bool) else value}'"
