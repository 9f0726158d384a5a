"""A message: typed content, headers, and the delivery that it came with."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, TypeAdapter, ValidationError

from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import attempts_made
from fastapi_factory_utilities.core.plugins.aiopika.errors import InvalidMessageError, MessageDefinitionError
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage

if TYPE_CHECKING:
    from aio_pika import Message

    from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange

__all__ = ["CONTENT_TYPE", "GenericMessage", "IncomingDelivery"]

CONTENT_TYPE = "application/json"


class IncomingDelivery(Protocol):
    """A message as a broker delivered it; aio-pika's incoming message is one."""

    @property
    def body(self) -> bytes:
        """Its content."""
        ...

    @property
    def properties(self) -> Any:  # noqa: ANN401 - AMQP's basic properties, whose class is the driver's
        """Its properties: `headers`, `message_id`, `correlation_id`."""
        ...

    @property
    def redelivered(self) -> bool | None:
        """Whether the broker has delivered it before, and was given no answer."""
        ...

    async def ack(self) -> None:
        """Tell the broker that it is done with."""
        ...

    async def reject(self, requeue: bool = ...) -> None:  # noqa: FBT001 - the driver's signature
        """Give it back, to be delivered again or not."""
        ...


class GenericMessage[DataT](BaseModel):
    """A message with content of one type; on its way it is that content as JSON, nothing around it.

    ::

        class BookCreated(BaseModel): ...
        class BookMessage(GenericMessage[BookCreated]): ...

        await publisher.publish(BookMessage(data=BookCreated(...)), "books.created")

    Everything else that a message says is in its headers and properties, never in its body, so that any program can
    read and write it.

    Attributes:
        data: The content.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, hide_input_in_errors=True)

    data: DataT

    _headers: dict[str, Any] = PrivateAttr(default_factory=dict)
    _message_id: str | None = PrivateAttr(default=None)
    _correlation_id: str | None = PrivateAttr(default=None)
    _delivery: Any = PrivateAttr(default=None)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        """Refuse further fields: they would not be sent."""
        super().__pydantic_init_subclass__(**kwargs)
        further = sorted(cls.model_fields.keys() - {"data"})
        if further:
            raise MessageDefinitionError(
                f"{cls.__name__} has fields beside data, which would not be sent: put {', '.join(further)} into the "
                f"model of its data, or into headers",
                message_class=cls.__name__,
                fields=tuple(further),
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(message_id={self._message_id!r})"

    __str__ = __repr__

    # --- what it says about itself ---

    def get_headers(self) -> dict[str, Any]:
        """Return a copy of its headers."""
        return dict(self._headers)

    def set_headers(self, headers: Mapping[str, Any]) -> Self:
        """Replace its headers."""
        self._headers = dict(headers)
        return self

    @property
    def message_id(self) -> str:
        """Its identity, by which an inbox knows it again; made when first asked for.

        The same message published twice has the same identity.
        """
        return self.envelope()["_message_id"]  # type: ignore[no-any-return]  # see there

    def set_message_id(self, message_id: str) -> Self:
        """Give it an identity of your own, such as one made of what it tells."""
        self._message_id = message_id
        return self

    @property
    def correlation_id(self) -> str | None:
        """What it belongs to."""
        return self._correlation_id

    def set_correlation_id(self, correlation_id: str | None) -> Self:
        """Say what it belongs to."""
        self._correlation_id = correlation_id
        return self

    # --- the delivery it came with ---

    @property
    def redelivered(self) -> bool:
        """Whether the broker has delivered it before and was given no answer: its effects may be there already."""
        return self._delivery is not None and bool(self._delivery.redelivered)

    @property
    def attempt(self) -> int:
        """Which attempt to handle it this is, counted from 1."""
        return attempts_made(self._headers) + 1

    async def ack(self) -> None:
        """Tell the broker that it is done with.

        Raises:
            ValueError: It did not come from a broker.
        """
        await self._incoming().ack()

    async def reject(self, requeue: bool = True) -> None:  # noqa: FBT001, FBT002 - public-api
        """Give it back to the broker.

        Args:
            requeue: Whether it is delivered again; otherwise the queue's dead-letter exchange gets it, if there is one.

        Raises:
            ValueError: It did not come from a broker.
        """
        await self._incoming().reject(requeue=requeue)

    def _incoming(self) -> IncomingDelivery:
        delivery: IncomingDelivery | None = self._delivery
        if delivery is None:
            raise ValueError("Incoming message is not set.")
        return delivery

    # --- to and from a broker ---

    def envelope(self) -> dict[str, Any]:
        """Return what it says beside its content, by the names of its private attributes; for those in a hurry.

        Reading a private attribute of a pydantic model costs as much as making an AMQP message.
        """
        private = self.__pydantic_private__
        assert private is not None  # noqa: S101 - a model with private attributes has them
        if private["_message_id"] is None:
            private["_message_id"] = os.urandom(16).hex()
        return private

    def to_bytes(self) -> bytes:
        """Return its content as JSON."""
        return _adapter(type(self)).dump_json(self.data)

    def to_aiopika_message(self) -> "Message":
        """Return it as aio-pika's message: persistent, with its headers and identity."""
        from aio_pika import DeliveryMode, Message  # noqa: PLC0415 - a message needs no driver until then

        return Message(
            self.to_bytes(),
            headers=dict(self._headers),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=self.message_id,
            correlation_id=self._correlation_id,
            timestamp=datetime.now(UTC),
        )

    def to_outgoing(self, exchange: "Exchange", routing_key: str) -> OutgoingMessage:
        """Return it complete but for the broker, for an outbox.

        Args:
            exchange: Where it will be published.
            routing_key: What the exchange will route it by.
        """
        return OutgoingMessage(
            exchange=exchange.name,
            routing_key=routing_key,
            body=self.to_bytes(),
            content_type=CONTENT_TYPE,
            message_id=self.message_id,
            correlation_id=self._correlation_id,
            headers=self.get_headers(),
        )

    @classmethod
    def from_delivery(cls, delivery: IncomingDelivery) -> Self:
        """Read a message as it came in.

        Raises:
            InvalidMessageError: It does not fit the type of the content.
        """
        try:
            data = _adapter(cls).validate_json(delivery.body)
        except ValidationError as error:
            raise _invalid(cls, delivery, error) from None  # pydantic's error quotes the content
        message: Self = cls.model_construct(data=data)  # type: ignore[assignment]  # pydantic says the generic class
        message._came_with(delivery)
        return message

    def _came_with(self, delivery: IncomingDelivery) -> None:
        private, properties = self.__pydantic_private__, delivery.properties
        assert private is not None  # noqa: S101 - see `envelope`
        private["_delivery"] = delivery
        private["_headers"] = properties.headers or {}
        private["_message_id"] = properties.message_id
        private["_correlation_id"] = properties.correlation_id


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(message_class: "type[GenericMessage[Any]]") -> TypeAdapter[Any]:
    adapter = _adapters.get(message_class)
    if adapter is None:
        content: Any = message_class.model_fields["data"].annotation
        adapter = _adapters[message_class] = TypeAdapter[Any](content)
    return adapter


def _invalid(
    message_class: "type[GenericMessage[Any]]", delivery: IncomingDelivery, error: ValidationError
) -> InvalidMessageError:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    problems = tuple((".".join(map(str, detail["loc"])) or "(body)", detail["type"]) for detail in details)
    told = ", ".join(f"{place} ({kind})" for place, kind in problems[:5])
    return InvalidMessageError(
        f"a message is no {message_class.__name__}: {told}; see that its publisher sends what this service expects",
        message_class=message_class.__name__,
        message_id=delivery.properties.message_id,
        problems=problems,
    )
