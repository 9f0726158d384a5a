"""A virtual host: exchanges, queues, and the ways between them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

from fastapi_factory_utilities.testing.amqp.arguments import COMPARED_ARGUMENTS
from fastapi_factory_utilities.testing.amqp.checks import not_reserved, not_the_default, same
from fastapi_factory_utilities.testing.amqp.exchanges import (
    EXCHANGE_TYPES,
    HEADER_MATCHES,
    PREDECLARED,
    Binding,
    Exchange,
)
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault, ConnectionFault
from fastapi_factory_utilities.testing.amqp.messages import Message
from fastapi_factory_utilities.testing.amqp.queues import Queue

__all__ = ["VirtualHost"]


class VirtualHost:
    """A room of its own: nothing in it is seen from another.

    Args:
        name: Its name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.exchanges: dict[str, Exchange] = {name: Exchange(name, kind) for name, kind in PREDECLARED.items()}
        self.queues: dict[str, Queue] = {}

    # --- exchanges ---

    def exchange(self, name: str) -> Exchange:
        """Find an exchange.

        Raises:
            ChannelFault: When there is none of that name.
        """
        if (exchange := self.exchanges.get(name)) is None:
            raise ChannelFault(404, f"no exchange '{name}' in vhost '{self.name}'")
        return exchange

    def declare_exchange(self, asked: Exchange) -> None:
        """Make an exchange, or make sure that the one of this name is the same."""
        what = f"exchange '{asked.name}' in vhost '{self.name}'"
        if asked.type not in EXCHANGE_TYPES:
            raise ConnectionFault(503, f"unknown exchange type '{asked.type}'")
        if not isinstance(asked.arguments.get("alternate-exchange", ""), str):
            raise ChannelFault(406, f"invalid arg 'alternate-exchange' for {what}")
        if (known := self.exchanges.get(asked.name)) is None:
            not_reserved("exchange", asked.name)
            self.exchanges[asked.name] = asked
            return
        not_the_default(asked.name)
        for name in ("type", "durable", "auto_delete", "internal"):
            same(what, name, getattr(asked, name), getattr(known, name))
        name = "alternate-exchange"
        same(what, name, asked.arguments.get(name), known.arguments.get(name))

    def delete_exchange(self, name: str, *, if_unused: bool) -> None:
        """Remove an exchange and its bindings; one that is not there is removed already."""
        not_the_default(name)
        not_reserved("exchange", name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and exchange.bindings:
            raise ChannelFault(406, f"exchange '{name}' in vhost '{self.name}' in use")
        del self.exchanges[name]
        self._unbind_all("exchange", name)

    # --- queues ---

    def queue(self, name: str, user: object) -> Queue:
        """Find a queue that a connection may use.

        Raises:
            ChannelFault: When there is none of that name, or it belongs to another connection.
        """
        if (queue := self.queues.get(name)) is None:
            raise ChannelFault(404, f"no queue '{name}' in vhost '{self.name}'")
        if queue.owner not in {None, user}:
            raise ChannelFault(
                405,
                f"cannot obtain exclusive access to locked queue '{name}' in vhost '{self.name}'. It could be "
                "originally declared on another connection or the exclusive property value does not match that of the "
                "original declaration.",
            )
        return queue

    def declare_queue(
        self,
        name: str,
        user: object,
        *,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Mapping[str, Any],
    ) -> Queue:
        """Make a queue, or make sure that the one of this name is the same."""
        if name in self.queues:
            queue = self.queue(name, user)
            what = f"queue '{name}' in vhost '{self.name}'"
            same(what, "durable", durable, queue.durable)
            same(what, "exclusive", exclusive, queue.owner is not None)
            same(what, "auto_delete", auto_delete, queue.auto_delete)
            for argument in COMPARED_ARGUMENTS:
                same(what, argument, arguments.get(argument), queue.arguments.get(argument))
            queue.touch()
            return queue
        not_reserved("queue", name)
        name = name or f"amq.gen-{uuid4().hex}"
        queue = Queue(
            name,
            durable=durable,
            auto_delete=auto_delete,
            owner=user if exclusive else None,
            arguments=arguments,
            dead_letter=self._dead_letter,
            expired=self.delete_queue,
        )
        if queue.asked.quorum and (exclusive or auto_delete or not durable):
            queue.close()
            wrong = "exclusive-owner" if exclusive else "auto-delete" if auto_delete else "non-durable"
            raise ChannelFault(406, f"invalid property '{wrong}' for queue '{name}' in vhost '{self.name}'")
        self.queues[name] = queue
        self.exchanges[""].bindings.append(Binding("", "queue", name, name))
        return queue

    def delete_queue(self, queue: Queue) -> None:
        """Remove a queue with all that is in it."""
        if self.queues.get(queue.name) is queue:
            del self.queues[queue.name]
            self._unbind_all("queue", queue.name)
            queue.close()

    def delete_queues_of(self, owner: object) -> None:
        """Remove the exclusive queues of a connection."""
        for queue in [queue for queue in self.queues.values() if queue.owner is owner]:
            self.delete_queue(queue)

    # --- bindings ---

    def bind(self, binding: Binding) -> None:
        """Add a way from an exchange; one that is there already is no other one."""
        not_the_default(binding.source, binding.destination if binding.kind == "exchange" else None)
        source = self.exchange(binding.source)
        if binding.kind == "exchange":
            self.exchange(binding.destination)
        if source.type == "headers" and binding.arguments.get("x-match", "all") not in HEADER_MATCHES:
            raise ChannelFault(406, f"invalid x-match field value {binding.arguments['x-match']!r}")
        if binding not in source.bindings:
            source.bindings.append(binding)

    def unbind(self, binding: Binding) -> None:
        """Remove a way from an exchange; one that is not there is removed already."""
        not_the_default(binding.source, binding.destination if binding.kind == "exchange" else None)
        source = self.exchanges.get(binding.source)
        if source is not None and binding in source.bindings:
            source.bindings.remove(binding)
            self._maybe_delete(source)

    def _unbind_all(self, kind: Literal["queue", "exchange"], name: str) -> None:
        for exchange in list(self.exchanges.values()):
            kept = [way for way in exchange.bindings if (way.kind, way.destination) != (kind, name)]
            if len(kept) < len(exchange.bindings):
                exchange.bindings = kept
                self._maybe_delete(exchange)

    def _maybe_delete(self, exchange: Exchange) -> None:
        if exchange.auto_delete and not exchange.bindings and self.exchanges.get(exchange.name) is exchange:
            del self.exchanges[exchange.name]
            self._unbind_all("exchange", exchange.name)

    # --- messages ---

    def route(self, exchange: Exchange, message: Message) -> list[Queue]:
        """The queues that a message arrives in, each once."""
        found: dict[str, Queue] = {}
        seen, ahead = {exchange.name}, [exchange]
        for place in ahead:
            chosen = list(place.chosen(message))
            found |= {way.destination: self.queues[way.destination] for way in chosen if way.kind == "queue"}
            onward = [way.destination for way in chosen if way.kind == "exchange"]
            alternate = place.arguments.get("alternate-exchange")
            if not chosen and alternate is not None:
                onward.append(alternate)
            for name in onward:
                if name not in seen and name in self.exchanges:
                    seen.add(name)
                    ahead.append(self.exchanges[name])
        return list(found.values())

    def restarted(self) -> "VirtualHost":
        """Make what is left of it after a restart: what is durable, with the messages that are persistent."""
        left = VirtualHost(self.name)
        for exchange in self.exchanges.values():
            if exchange.durable and exchange.name not in PREDECLARED:
                left.exchanges[exchange.name] = replace(exchange, bindings=[])
        for queue in self.queues.values():
            if queue.durable and queue.owner is None:
                again = left.declare_queue(
                    queue.name,
                    None,
                    durable=True,
                    exclusive=False,
                    auto_delete=queue.auto_delete,
                    arguments=queue.arguments,
                )
                again.restore(entry for entry in queue.ready if queue.asked.quorum or entry.message.persistent)
        for exchange in self.exchanges.values():
            for way in exchange.bindings:
                ends = left.queues if way.kind == "queue" else left.exchanges
                if way.source and way.source in left.exchanges and way.destination in ends:
                    left.bind(way)
        return left

    def close(self) -> None:
        """Stop the clocks of its queues, and forget everything."""
        for queue in list(self.queues.values()):
            self.delete_queue(queue)

    def _dead_letter(self, queue: Queue, message: Message, reason: str) -> None:
        exchange = self.exchanges.get(queue.asked.dead_letter_exchange or "")
        if queue.asked.dead_letter_exchange is None or exchange is None:
            return
        key = queue.asked.dead_letter_routing_key
        dead = message.dead_lettered(queue=queue.name, reason=reason, exchange=exchange.name, routing_key=key)
        for target in self.route(exchange, dead):
            if reason == "rejected" or not dead.cycles(target.name):
                target.publish(dead)
