from dataclasses import dataclass, field
from typing import Any

import pytest
from aio_pika import DeliveryMode
from pamqp.commands import Basic
from pydantic import BaseModel, TypeAdapter, ValidationError

from fastapi_factory_utilities.core.plugins.aiopika import (
    Exchange,
    GenericMessage,
    InvalidMessageError,
    MessageDefinitionError,
    RoutingKey,
)


class Book(BaseModel):
    title: str
    pages: int = 1


class BookMessage(GenericMessage[Book]):
    pass


@dataclass
class Delivered:
    """A delivery, and what was said to the broker about it."""

    body: bytes = b'{"title": "Emma"}'
    properties: Basic.Properties = field(default_factory=Basic.Properties)
    redelivered: bool = False
    told: list[str] = field(default_factory=list)

    async def ack(self) -> None:
        self.told.append("ack")

    async def reject(self, requeue: bool = False) -> None:
        self.told.append(f"reject, requeue={requeue}")


def test_a_message_is_its_content_as_json_and_nothing_around_it() -> None:
    message = BookMessage(data=Book(title="Emma")).set_headers({"tenant": "north"}).set_correlation_id("c")
    sent = message.to_aiopika_message()
    assert sent.body == b'{"title":"Emma","pages":1}'
    assert sent.headers == {"tenant": "north"}
    assert (sent.message_id, sent.correlation_id) == (message.message_id, "c")
    assert (sent.content_type, sent.delivery_mode) == ("application/json", DeliveryMode.PERSISTENT)


def test_what_was_sent_is_what_is_read() -> None:
    sent = BookMessage(data=Book(title="Emma", pages=3)).set_headers({"a": 1}).set_correlation_id("c")
    properties = Basic.Properties(headers={"a": 1}, message_id=sent.message_id, correlation_id="c")
    read = BookMessage.from_delivery(Delivered(sent.to_bytes(), properties))
    assert type(read) is BookMessage
    assert read.data == sent.data
    assert (read.get_headers(), read.message_id, read.correlation_id) == ({"a": 1}, sent.message_id, "c")


def test_content_may_be_of_any_type() -> None:
    assert GenericMessage[list[int]](data=[1, 2]).to_bytes() == b"[1,2]"
    assert GenericMessage[list[int]].from_delivery(Delivered(b"[1, 2]")).data == [1, 2]
    assert GenericMessage(data={"a": 1}).to_bytes() == b'{"a":1}'
    assert GenericMessage[Book | None].from_delivery(Delivered(b"null")).data is None


def test_a_message_is_frozen() -> None:
    message = BookMessage(data=Book(title="Emma"))
    with pytest.raises(ValidationError):
        message.data = Book(title="Other")  # type: ignore[misc]  # that is the point


def test_its_identity_stays_the_same_and_is_its_own() -> None:
    one, other = BookMessage(data=Book(title="Emma")), BookMessage(data=Book(title="Emma"))
    assert one.message_id == one.message_id != other.message_id
    assert one.to_aiopika_message().message_id == one.message_id
    assert one.set_message_id("mine").message_id == "mine"


def test_its_headers_are_nobody_elses() -> None:
    given = {"a": 1}
    message = BookMessage(data=Book(title="Emma")).set_headers(given)
    given["a"] = 2
    message.get_headers()["a"] = 3
    assert message.get_headers() == {"a": 1}


async def test_without_a_delivery_it_cannot_be_settled() -> None:
    message = BookMessage(data=Book(title="Emma"))
    for settle in (message.ack, message.reject):
        with pytest.raises(ValueError, match=r"^Incoming message is not set\.$"):
            await settle()
    assert (message.redelivered, message.attempt) == (False, 1)


async def test_it_is_settled_by_its_delivery() -> None:
    delivered = Delivered()
    message = BookMessage.from_delivery(delivered)
    await message.ack()
    await message.reject()
    await message.reject(requeue=False)
    assert delivered.told == ["ack", "reject, requeue=True", "reject, requeue=False"]


def test_it_tells_whether_it_was_delivered_before_and_which_attempt_it_is() -> None:
    assert BookMessage.from_delivery(Delivered(redelivered=True)).redelivered
    assert BookMessage.from_delivery(Delivered()).attempt == 1
    third = Delivered(properties=Basic.Properties(headers={"x-attempt": 2}))
    assert BookMessage.from_delivery(third).attempt == 3


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (b"a private matter", (("(body)", "json_invalid"),)),
        (b"", (("(body)", "json_invalid"),)),
        (b'{"pages": "a private matter"}', (("title", "missing"), ("pages", "int_parsing"))),
        (b'"a private matter"', (("(body)", "model_type"),)),
        (b"\xff\xfea private matter", (("(body)", "json_invalid"),)),
    ],
)
def test_what_does_not_fit_is_an_error_without_the_content(body: bytes, problems: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidMessageError, match="a message is no BookMessage: ") as caught:
        BookMessage.from_delivery(Delivered(body, Basic.Properties(message_id="m-1")))
    error = caught.value
    assert error.fields == {"message_class": "BookMessage", "message_id": "m-1", "problems": problems}
    assert "private" not in f"{error} {error!r} {error.fields} {error.__cause__!r}"
    assert error.__suppress_context__, "pydantic's error quotes the content"
    assert isinstance(error, ValueError)


def test_it_shows_no_content() -> None:
    message = BookMessage(data=Book(title="a private matter"))
    assert "private" not in f"{message!r} {message} {message.to_aiopika_message()!r}"


def test_fields_that_would_not_be_sent_are_refused() -> None:
    with pytest.raises(MessageDefinitionError, match="put tenant into the model of its data") as caught:

        class Wrong(GenericMessage[Book]):
            tenant: str

    assert isinstance(caught.value, TypeError)


def test_it_can_be_handed_to_an_outbox() -> None:
    message = BookMessage(data=Book(title="Emma")).set_headers({"a": 1}).set_correlation_id("c")
    outgoing = message.to_outgoing(Exchange("books"), "books.created")
    assert (outgoing.exchange, outgoing.routing_key, outgoing.body) == ("books", "books.created", message.to_bytes())
    assert (outgoing.message_id, outgoing.correlation_id, outgoing.headers) == (message.message_id, "c", {"a": 1})


def test_names_are_as_long_as_amqp_allows() -> None:
    assert RoutingKey("ü" * 127) == "ü" * 127
    with pytest.raises(ValueError, match="RoutingKey must be at most 255 bytes, this has 256"):
        RoutingKey("ü" * 128)
    assert isinstance(TypeAdapter(RoutingKey).validate_python("a.b"), RoutingKey)
    with pytest.raises(ValidationError, match="at most 255 bytes"):
        TypeAdapter(RoutingKey).validate_python("x" * 256)
