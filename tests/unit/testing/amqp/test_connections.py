"""The broker in memory and clients that are not as they should be."""

import random
import socket
import struct
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from pamqp import body, commands, frame, header, heartbeat
from pamqp.base import Frame
from pamqp.common import FieldTable

from fastapi_factory_utilities.testing.amqp import InMemoryBroker
from tests.unit.testing.amqp.raw_client import RawClient

HELLO = b"AMQP\x00\x00\x09\x01"
CUT_OFF = b"\x20\x00\x00\x00\x00\x06\x01aS\x00\x00\x00"  # a table whose text has no end
PUBLISH = commands.Basic.Publish(exchange="", routing_key="queue")


def raw_frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def content_header(size: int, properties: bytes = b"\x00\x00", class_id: int = 60) -> bytes:
    return raw_frame(2, 1, struct.pack(">HHQ", class_id, 0, size) + properties)


def method(channel: int, what: Frame) -> bytes:
    return frame.marshal(what, channel)


MISTAKES: dict[str, tuple[bytes, int]] = {
    "transactions": (method(1, commands.Tx.Select()), 540),
    "an answer instead of a question": (method(1, commands.Queue.DeclareOk("queue", 0, 0)), 503),
    "a method that nobody knows": (raw_frame(1, 1, b"\x00\x3c\x00\xff"), 502),
    "a method that is cut off": (raw_frame(1, 1, b"\x00\x32\x00\x0a\x00"), 502),
    "a frame type that nobody knows": (raw_frame(7, 1, b"x"), 501),
    "a frame without its end": (raw_frame(1, 1, b"\x00\x3c\x00\xff")[:-1] + b"\x00", 501),
    "a frame that is too large": (struct.pack(">BHI", 1, 1, 2**31) + b"x", 501),
    "a channel that is open already": (method(1, commands.Channel.Open()), 504),
    "a channel that is not open": (method(9, commands.Queue.Declare(queue="queue")), 504),
    "a channel beyond the last": (method(60_000, commands.Channel.Open()), 530),
    "content without a method": (content_header(1), 505),
    "content on channel 0": (raw_frame(3, 0, b"x"), 505),
    "a method within content": (method(1, PUBLISH) + method(1, PUBLISH), 505),
    "a body without a header": (method(1, PUBLISH) + raw_frame(3, 1, b"x"), 505),
    "two headers": (method(1, PUBLISH) + content_header(5) * 2, 505),
    "more body than announced": (method(1, PUBLISH) + content_header(1) + raw_frame(3, 1, b"xx"), 501),
    "content of another class": (method(1, PUBLISH) + content_header(0, class_id=50), 501),
    "no properties": (method(1, PUBLISH) + content_header(0, b""), 502),
    "properties that are cut off": (method(1, PUBLISH) + content_header(0, b"\x80\x00\x09text"), 502),
    "headers that are cut off": (method(1, PUBLISH) + content_header(0, CUT_OFF), 502),
    "immediate delivery": (method(1, commands.Basic.Publish(routing_key="queue", immediate=True)), 540),
    "a prefetch size": (method(1, commands.Basic.Qos(prefetch_size=1)), 540),
    "stopping the flow": (method(1, commands.Channel.Flow(active=False)), 540),
    "recovering for itself": (method(1, commands.Basic.Recover(requeue=False)), 540),
    "opening it twice": (method(0, commands.Connection.Open("/")), 503),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_closes_the_connection_with_its_code(amqp_broker: InMemoryBroker, what: str) -> None:
    data, code = MISTAKES[what]
    with RawClient(amqp_broker.url).open() as client:
        client.send_bytes(data)
        closed = client.expect(commands.Connection.Close)
        assert closed.reply_code == code
        client.send(0, commands.Connection.CloseOk())
        assert client.is_closed()
    with RawClient(amqp_broker.url).open() as another:
        another.call(commands.Queue.Declare(queue="queue"), commands.Queue.DeclareOk)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (commands.Connection.StartOk({}, "KERBEROS", "x"), 403),
        (commands.Connection.TuneOk(), 503),
        (commands.Connection.Open("/"), 503),
    ],
)
def test_a_handshake_that_goes_wrong_is_told(amqp_broker: InMemoryBroker, answer: Frame, code: int) -> None:
    with RawClient(amqp_broker.url) as client:
        client.send_bytes(HELLO)
        client.expect(commands.Connection.Start)
        client.send(0, answer)
        assert client.expect(commands.Connection.Close).reply_code == code


@pytest.mark.parametrize("tuned", [commands.Connection.TuneOk(0, 100, 0), commands.Connection.TuneOk(0, 10**6, 0)])
def test_a_frame_size_that_cannot_be_is_refused(amqp_broker: InMemoryBroker, tuned: Frame) -> None:
    with RawClient(amqp_broker.url) as client:
        client.send_bytes(HELLO)
        client.expect(commands.Connection.Start)
        client.send(0, commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest"))
        client.expect(commands.Connection.Tune)
        client.send(0, tuned)
        assert client.expect(commands.Connection.Close).reply_code == 530


def test_who_speaks_another_protocol_is_told_ours(amqp_broker: InMemoryBroker) -> None:
    with RawClient(amqp_broker.url) as client:
        client.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
        assert client._receive() == HELLO
        assert client.is_closed()


def test_a_client_that_does_not_answer_a_close_is_cut_off(amqp_broker: InMemoryBroker) -> None:
    with RawClient(amqp_broker.url).open() as client:
        client.send(1, commands.Tx.Select())
        client.expect(commands.Connection.Close)
        assert client.is_closed()


def test_frames_keep_to_the_agreed_size(amqp_broker: InMemoryBroker) -> None:
    with RawClient(amqp_broker.url, frame_max=4096).open() as client:
        client.call(commands.Queue.Declare(queue="queue"), commands.Queue.DeclareOk)
        client.send(1, PUBLISH, header.ContentHeader(body_size=10_000), body.ContentBody(b"a" * 4000))
        client.send(1, body.ContentBody(b"b" * 4000), body.ContentBody(b"c" * 2000))
        client.call(commands.Basic.Get(queue="queue"), commands.Basic.GetOk)
        client.expect(header.ContentHeader)
        received = [client.read_bytes() for _ in range(3)]
        assert [len(raw) for _, raw in received] == [4096, 4096, 10_000 - 2 * 4088 + 8]


def test_signs_of_life_come_when_they_are_due(amqp_broker: InMemoryBroker) -> None:
    with RawClient(amqp_broker.url, heartbeat_seconds=1).open() as client:
        started = time.monotonic()
        assert isinstance(client.read(), heartbeat.Heartbeat)
        assert time.monotonic() - started < 1.5


def test_a_client_without_signs_of_life_is_given_up_and_its_messages_go_back(amqp_broker: InMemoryBroker) -> None:
    with RawClient(amqp_broker.url, heartbeat_seconds=1).open() as client:
        client.call(commands.Queue.Declare(queue="queue"), commands.Queue.DeclareOk)
        client.send(1, PUBLISH, header.ContentHeader(body_size=0))
        client.call(commands.Basic.Get(queue="queue"), commands.Basic.GetOk)
        assert amqp_broker.queue("queue").unacked == 1
        eventually(lambda: amqp_broker.queue("queue").ready == 1)
        assert amqp_broker.messages("queue")[0].redelivered
        assert amqp_broker.connections == 0


def test_a_client_that_does_not_read_holds_up_nobody(amqp_broker: InMemoryBroker) -> None:
    amount, size = 300, 100_000
    with RawClient(amqp_broker.url).open() as lazy, RawClient(amqp_broker.url).open() as busy:
        lazy.call(commands.Queue.Declare(queue="queue"), commands.Queue.DeclareOk)
        lazy.call(commands.Basic.Consume(queue="queue", no_ack=True), commands.Basic.ConsumeOk)
        busy.call(commands.Confirm.Select(), commands.Confirm.SelectOk)
        for _ in range(amount):
            busy.send(1, PUBLISH, header.ContentHeader(body_size=size), body.ContentBody(b"x" * size))
            busy.expect(commands.Basic.Ack)
        waiting = amqp_broker.queue("queue").ready
        assert waiting > amount / 4  # the rest is in the buffers of the line
        for _ in range(amount):
            lazy.expect(commands.Basic.Deliver)
            lazy.expect(header.ContentHeader)
            lazy.expect(body.ContentBody)
        assert amqp_broker.queue("queue").ready == 0


@pytest.mark.parametrize("seed", range(10))
def test_whatever_is_sent_the_broker_lives(
    amqp_broker: InMemoryBroker, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid frames with some bytes changed: nearly right is worse than noise."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible choice
    arguments: FieldTable = {"x-message-ttl": 5, "x-dead-letter-exchange": "amq.topic"}
    declare = commands.Queue.Declare(queue="queue", arguments=arguments)
    bind = commands.Queue.Bind(queue="queue", exchange="amq.headers", arguments={"x-match": "any", "a": 1})
    properties = commands.Basic.Properties(headers={"a": [1, {"b": "c"}], "CC": ["queue"]}, expiration="5", priority=1)
    sent = [
        *(method(1, each) for each in (declare, bind, commands.Confirm.Select(), commands.Basic.Qos(prefetch_count=1))),
        method(1, commands.Basic.Consume(queue="queue", consumer_tag="tag")),
        method(1, commands.Basic.Publish(exchange="amq.headers", routing_key="queue", mandatory=True)),
        frame.marshal(header.ContentHeader(body_size=3, properties=properties), 1),
        raw_frame(3, 1, b"abc"),
        method(1, commands.Basic.Nack(1, requeue=False)),
        method(1, commands.Queue.Delete(queue="queue")),
    ]
    for _ in range(15):
        mutated = bytearray(b"".join(sent))
        for _ in range(chance.randint(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        with RawClient(amqp_broker.url).open() as client:
            client.send_bytes(bytes(mutated))
            client._socket.shutdown(socket.SHUT_WR)
            assert client.is_closed()
    with RawClient(amqp_broker.url).open() as client:
        client.call(commands.Queue.Declare(), commands.Queue.DeclareOk)
    eventually(lambda: amqp_broker.connections == 0)
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def test_noise_from_the_start_is_refused(amqp_broker: InMemoryBroker) -> None:
    parts = urlsplit(amqp_broker.url)
    for size in (1, 7, 8, 9, 1000):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as line:
            line.sendall(bytes(range(256))[:size] * 3)
            line.shutdown(socket.SHUT_WR)
            while line.recv(4096):
                pass
    eventually(lambda: amqp_broker.connections == 0)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
