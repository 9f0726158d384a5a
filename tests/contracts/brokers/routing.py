"""How messages find their queues."""

from typing import Any

from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange

from tests.contracts.brokers.bench import BrokerBench, publish, take, take_all

__all__ = ["Routing"]

TOPICS = {
    "book.created": ["book.created", "book.*", "book.#", "#", "*.created", "#.created", "book.#.created"],
    "book": ["book.#", "#"],
    "book.created.now": ["book.#", "#", "*.*.*", "book.*.now"],
    "book..created": ["book.#", "#", "#.created", "book.#.created", "*.*.*"],
    "": ["#", ""],
    "books.created": ["#", "*.created", "#.created"],
}
HEADER_BINDINGS: dict[str, dict[str, Any]] = {
    "all": {"x-match": "all", "kind": "book", "pages": 7},
    "any": {"x-match": "any", "kind": "book", "pages": 7},
    "by default all": {"kind": "book", "pages": 7},
    "only present": {"x-match": "all", "kind": None},
    "a number, not a text": {"x-match": "all", "pages": "7"},
    "x- is ignored": {"x-match": "all", "kind": "book", "x-other": "1"},
    "x- counts": {"x-match": "all-with-x", "kind": "book", "x-other": "1"},
    "nothing asked, all": {"x-match": "all"},
    "nothing asked, any": {"x-match": "any"},
}
HEADERS: list[tuple[dict[str, Any], set[str]]] = [
    (
        {"kind": "book", "pages": 7},
        {"all", "any", "by default all", "only present", "x- is ignored", "nothing asked, all"},
    ),
    ({"kind": "film", "pages": 7}, {"any", "only present", "nothing asked, all"}),
    ({"kind": "book", "x-other": "1"}, {"any", "only present", "x- is ignored", "x- counts", "nothing asked, all"}),
    ({"pages": "7"}, {"a number, not a text", "nothing asked, all"}),
    ({}, {"nothing asked, all"}),
]


async def send(exchange: AbstractExchange, key: str, **properties: Any) -> None:
    await exchange.publish(Message(key.encode(), **properties), routing_key=key, mandatory=False)


class Routing(BrokerBench):
    async def test_a_direct_exchange_routes_by_the_whole_key(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.DIRECT)
        one, other, third = [await channel.declare_queue(name) for name in ("one", "other", "third")]
        await one.bind(exchange, "a")
        await other.bind(exchange, "a")
        await third.bind(exchange, "a.b")

        for key in ("a", "a.b", "b"):
            await send(exchange, key)

        assert [await take_all(queue) for queue in (one, other, third)] == [["a"], ["a"], ["a.b"]]

    async def test_a_fanout_exchange_routes_to_every_queue(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.FANOUT)
        queues = [await channel.declare_queue(name) for name in ("one", "other")]
        for queue in queues:
            await queue.bind(exchange, "ignored")

        await send(exchange, "whatever")

        assert [await take_all(queue) for queue in queues] == [["whatever"], ["whatever"]]

    async def test_a_topic_exchange_routes_by_words(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.TOPIC)
        patterns = sorted({pattern for matching in TOPICS.values() for pattern in matching})
        queues = {pattern: await channel.declare_queue() for pattern in patterns}
        for pattern, queue in queues.items():
            await queue.bind(exchange, pattern)

        for key in TOPICS:
            await send(exchange, key)

        routed = {pattern: await take_all(queue) for pattern, queue in queues.items()}
        assert routed == {pattern: [key for key in TOPICS if pattern in TOPICS[key]] for pattern in patterns}

    async def test_a_headers_exchange_routes_by_headers(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.HEADERS)
        queues = {name: await channel.declare_queue() for name in HEADER_BINDINGS}
        for name, queue in queues.items():
            await queue.bind(exchange, "", arguments=HEADER_BINDINGS[name])

        for number, (headers, _) in enumerate(HEADERS):
            await send(exchange, str(number), headers=headers)

        routed = {name: await take_all(queue) for name, queue in queues.items()}
        assert routed == {
            name: [str(number) for number, (_, names) in enumerate(HEADERS) if name in names]
            for name in HEADER_BINDINGS
        }

    async def test_the_default_exchange_routes_to_the_queue_of_that_name(self, channel: AbstractChannel) -> None:
        one, other = [await channel.declare_queue(name) for name in ("one", "other")]

        await publish(channel, "one", "a")

        assert [await take_all(one), await take_all(other)] == [["a"], []]

    async def test_a_queue_gets_a_message_once_however_many_bindings_match(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.TOPIC)
        queue = await channel.declare_queue("queue")
        for pattern in ("#", "book.*", "book.*", "*.created"):
            await queue.bind(exchange, pattern)

        await send(exchange, "book.created")

        assert await take_all(queue) == ["book.created"]

    async def test_an_unbound_queue_gets_nothing_more(self, channel: AbstractChannel) -> None:
        exchange = await channel.declare_exchange("books", ExchangeType.DIRECT)
        queue = await channel.declare_queue("queue")
        await queue.bind(exchange, "a")
        await queue.bind(exchange, "b")
        await queue.unbind(exchange, "a")
        await queue.unbind(exchange, "never bound")

        for key in ("a", "b"):
            await send(exchange, key)

        assert await take_all(queue) == ["b"]

    async def test_an_exchange_leads_to_another(self, channel: AbstractChannel) -> None:
        source = await channel.declare_exchange("source", ExchangeType.TOPIC)
        onward = await channel.declare_exchange("onward", ExchangeType.DIRECT, internal=True)
        queue = await channel.declare_queue("queue")
        await onward.bind(source, "book.#")
        await source.bind(onward, "book.created")  # and back, which must not go on for ever
        await queue.bind(onward, "book.created")

        for key in ("book.created", "book.deleted", "film.created"):
            await send(source, key)
        await onward.unbind(source, "book.#")
        await send(source, "book.created")

        assert await take_all(queue) == ["book.created"]

    async def test_what_an_exchange_cannot_route_goes_to_its_alternate(self, channel: AbstractChannel) -> None:
        lost = await channel.declare_exchange("lost", ExchangeType.FANOUT)
        exchange = await channel.declare_exchange(
            "books", ExchangeType.DIRECT, arguments={"alternate-exchange": "lost"}
        )
        queue, rest = [await channel.declare_queue(name) for name in ("queue", "rest")]
        await queue.bind(exchange, "a")
        await rest.bind(lost)

        for key in ("a", "b"):
            await send(exchange, key)

        assert [await take_all(queue), await take_all(rest)] == [["a"], ["b"]]

    async def test_the_header_cc_adds_routing_keys(self, channel: AbstractChannel) -> None:
        one, other, hidden = [await channel.declare_queue(name) for name in ("one", "other", "hidden")]

        await send(channel.default_exchange, "one", headers={"CC": ["other"], "BCC": ["hidden"]})

        messages = [await take(queue) for queue in (one, other, hidden)]
        assert [message.headers for message in messages] == [{"CC": ["other"]}] * 3
