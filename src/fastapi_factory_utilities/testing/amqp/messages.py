"""A message, and what becomes of it when it is dead-lettered."""

from datetime import UTC, datetime
from typing import Any, Self

from pamqp import commands, decode, header

from fastapi_factory_utilities.testing.amqp.faults import ChannelFault
from fastapi_factory_utilities.testing.amqp.fields import (
    encode_value,
    join_properties,
    join_table,
    split_properties,
    split_table,
)

__all__ = ["Message"]

_PERSISTENT = 2
_LONGEST_EXPIRATION = 2**32 - 1


class Message:
    """What was published.

    Attributes:
        exchange: Where it was published to.
        routing_key: With which routing key.
        fields: Its properties, by name, as they came.
        body: Its content.

    Raises:
        ValueError: When the properties cannot be read.
        ChannelFault: When its expiration is not a number of milliseconds.
    """

    __slots__ = ("_properties", "body", "exchange", "expiration_ms", "fields", "headers", "routing_key")

    def __init__(self, exchange: str, routing_key: str, fields: dict[str, bytes], body: bytes) -> None:
        self.exchange: str = exchange
        self.routing_key: str = routing_key
        self.fields: dict[str, bytes] = fields
        self.body: bytes = body
        self._properties: commands.Basic.Properties | None = None
        self.headers: dict[str, Any] = decode.field_table(fields["headers"])[1] if "headers" in fields else {}
        self.expiration_ms: int | None = self._expiration()

    @classmethod
    def received(cls, exchange: str, routing_key: str, properties: bytes, body: bytes) -> Self:
        """Make one of what came over the line."""
        fields = split_properties(properties)
        if "headers" in fields:  # now, and not when it is dead-lettered and nobody is there to be told
            split_table(fields["headers"])
        return cls(exchange, routing_key, fields, body)

    @property
    def properties(self) -> commands.Basic.Properties:
        """Its properties, decoded."""
        if self._properties is None:
            content = header.ContentHeader()
            content.unmarshal(bytes(12) + join_properties(self.fields))
            self._properties = content.properties
        return self._properties

    @property
    def persistent(self) -> bool:
        """Whether it survives a restart of the broker."""
        return self.fields.get("delivery_mode") == bytes([_PERSISTENT])

    @property
    def priority(self) -> int:
        """Its priority, 0 when it has none."""
        return int.from_bytes(self.fields.get("priority", b"\0"))

    @property
    def routing_keys(self) -> list[str]:
        """Its routing key, and those of its headers CC and BCC (RabbitMQ, "Sender-selected Distribution")."""
        more = (self.headers.get(name) for name in ("CC", "BCC"))
        copies = [key for keys in more if isinstance(keys, list) for key in keys if isinstance(key, str)]
        return [self.routing_key, *copies]

    def with_headers(self, **changes: Any) -> "Message":  # noqa: ANN401 - any value of a table
        """Make a copy with other headers; None removes one. Names are written with `_` for `-`."""
        return self._changed({name.replace("_", "-"): value for name, value in changes.items()})

    def dead_lettered(self, *, queue: str, reason: str, exchange: str, routing_key: str | None) -> "Message":
        """Make the copy that goes to the dead-letter exchange (RabbitMQ, "Dead Letter Exchanges").

        Args:
            queue: The queue that it dies in.
            reason: `rejected`, `expired`, `maxlen` or `delivery_limit`.
            exchange: The dead-letter exchange.
            routing_key: The queue's dead-letter routing key; None keeps the message's own keys.
        """
        changes = self._death(queue, reason) | {"BCC": None}
        if routing_key is not None:
            changes["CC"] = None
        dead = self._changed(changes)
        fields = {name: field for name, field in dead.fields.items() if name != "expiration"}
        return Message(exchange, self.routing_key if routing_key is None else routing_key, fields, self.body)

    def cycles(self, queue: str) -> bool:
        """Whether it was here before, and nobody rejected it on its way: it would go round for ever."""
        way = []
        for death in self.headers.get("x-death", []):
            way.append(death)
            if death.get("queue") == queue:
                return all(stop.get("reason") != "rejected" for stop in way)
        return False

    def _death(self, queue: str, reason: str) -> dict[str, Any]:
        known = self.headers.get("x-death", [])
        deaths = [death for death in known if isinstance(death, dict)] if isinstance(known, list) else []
        again = [death for death in deaths if (death.get("queue"), death.get("reason")) == (queue, reason)]
        others = [death for death in deaths if death not in again]
        if again:
            counts = (death.get("count") for death in again)
            count = 1 + sum(count for count in counts if isinstance(count, int))
            return {"x-death": [again[0] | {"count": count}, *others]}
        death: dict[str, Any] = {
            "count": 1,
            "reason": reason,
            "queue": queue,
            "time": datetime.now(UTC).replace(microsecond=0),
            "exchange": self.exchange,
            "routing-keys": self.routing_keys,
        }
        if "expiration" in self.fields:
            death["original-expiration"] = self.properties.expiration
        first = {"reason": reason, "queue": queue, "exchange": self.exchange}
        told = {f"x-first-death-{name}": value for name, value in first.items() if not deaths}
        return {"x-death": [death, *others], **told}

    def _changed(self, headers: dict[str, Any]) -> "Message":
        table = split_table(self.fields["headers"]) if "headers" in self.fields else {}
        for name, value in headers.items():
            table.pop(name, None)
            if value is not None:
                table[name] = encode_value(value)
        return Message(self.exchange, self.routing_key, self.fields | {"headers": join_table(table)}, self.body)

    def _expiration(self) -> int | None:
        if "expiration" not in self.fields:
            return None
        text = decode.short_str(self.fields["expiration"])[1]
        if not (text.isascii() and text.isdigit() and int(text) <= _LONGEST_EXPIRATION):
            raise ChannelFault(406, f"invalid expiration {text!r}")
        return int(text)
