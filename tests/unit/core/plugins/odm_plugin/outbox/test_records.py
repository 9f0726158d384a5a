"""A message as it lies in MongoDB, through BSON and back."""

from datetime import UTC, datetime

from bson import decode as from_bson
from bson import encode as to_bson
from bson.codec_options import CodecOptions

from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import decode, encode

AWARE = CodecOptions[dict[str, object]](tz_aware=True)


def test_a_message_is_the_same_after_it_was_stored() -> None:
    message = OutgoingMessage(
        exchange="books",
        routing_key="book.added",
        body=bytes(range(256)),
        content_type="application/x-thing",
        correlation_id="c",
        type="BookAdded",
        headers={"": 1, "a.b": "x", "$where": None, "at": datetime(2026, 1, 2, tzinfo=UTC), "n": 2**62, "f": -0.5},
        timestamp=datetime(2026, 1, 2, 3, 4, 5, 6_000, tzinfo=UTC),
    )
    stored = from_bson(to_bson(encode(message, key="k")), codec_options=AWARE)
    found = decode(stored)
    assert found.message == message
    assert (found.id, found.key, found.attempts) == (message.message_id, "k", 0)


def test_a_message_without_a_key_has_no_field_for_it() -> None:
    document = encode(OutgoingMessage(exchange="", routing_key="q", body=b""), key=None)
    assert "key" not in document
    assert decode(document).key is None


def test_the_content_of_a_message_is_not_in_its_representation() -> None:
    message = OutgoingMessage(exchange="", routing_key="q", body=b"a secret", headers={"token": "a secret"})
    assert "a secret" not in repr(decode(encode(message, key=None)))
