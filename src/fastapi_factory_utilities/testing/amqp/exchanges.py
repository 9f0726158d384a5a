"""Exchanges and how each type chooses among its bindings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi_factory_utilities.testing.amqp.messages import Message

__all__ = ["EXCHANGE_TYPES", "HEADER_MATCHES", "PREDECLARED", "Binding", "Exchange"]

# What every virtual host has from the start (AMQP 0-9-1, "Exchanges"; amq.match is its name for amq.headers).
PREDECLARED = {
    "": "direct",
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.topic": "topic",
    "amq.headers": "headers",
    "amq.match": "headers",
}
HEADER_MATCHES = ("all", "any", "all-with-x", "any-with-x")


@dataclass(frozen=True, slots=True)
class Binding:
    """A way from an exchange to a queue or to another exchange."""

    source: str
    kind: Literal["queue", "exchange"]
    destination: str
    routing_key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Exchange:
    """A place to publish to."""

    name: str
    type: str
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)

    def chosen(self, message: Message) -> Iterator[Binding]:
        """The bindings that a message goes along."""
        keys = message.routing_keys
        chooses = EXCHANGE_TYPES[self.type]
        return (binding for binding in self.bindings if chooses(binding, keys, message.headers))


def _direct(binding: Binding, keys: list[str], _: Mapping[str, Any]) -> bool:
    return binding.routing_key in keys


def _fanout(_: Binding, __: list[str], ___: Mapping[str, Any]) -> bool:
    return True


def _topic(binding: Binding, keys: list[str], _: Mapping[str, Any]) -> bool:
    pattern = _words(binding.routing_key)
    return any(_matches(pattern, _words(key)) for key in keys)


def _words(key: str) -> list[str]:
    return key.split(".") if key else []


def _matches(pattern: list[str], words: list[str]) -> bool:
    """Whether words match a pattern: `*` is one word, `#` any number of them.

    The positions in the pattern that the words so far may have led to: its time grows with the product of both lengths,
    whatever somebody binds.
    """
    places = _skipped(pattern, {0})
    for word in words:
        reached = set()
        for place in places:
            if place < len(pattern):
                if pattern[place] == "#":
                    reached.add(place)
                elif pattern[place] in {"*", word}:
                    reached.add(place + 1)
        places = _skipped(pattern, reached)
    return len(pattern) in places


def _skipped(pattern: list[str], places: set[int]) -> set[int]:
    """Add the places after each `#`, which may stand for no word."""
    found = set(places)
    for place in places:
        following = place
        while following < len(pattern) and pattern[following] == "#":
            following += 1
            found.add(following)
    return found


def _headers(binding: Binding, _: list[str], headers: Mapping[str, Any]) -> bool:
    mode = binding.arguments.get("x-match", "all")
    wanted = {
        name: value
        for name, value in binding.arguments.items()
        if name != "x-match" and (mode.endswith("-with-x") or not name.startswith("x-"))
    }
    agreed = (name in headers and _agree(value, headers[name]) for name, value in wanted.items())
    return any(agreed) if mode.startswith("any") else all(agreed)


def _agree(wanted: object, given: object) -> bool:
    # An argument without a value asks for the header alone; a number is no text, and True is no 1.
    return wanted is None or (type(wanted) is type(given) and wanted == given)


EXCHANGE_TYPES: dict[str, Callable[[Binding, list[str], Mapping[str, Any]], bool]] = {
    "direct": _direct,
    "fanout": _fanout,
    "topic": _topic,
    "headers": _headers,
}
