"""The methods of exchanges and queues."""

from pamqp import commands

from fastapi_factory_utilities.testing.amqp.channel import Channel
from fastapi_factory_utilities.testing.amqp.exchanges import Binding, Exchange
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault

__all__ = [
    "bind_exchange",
    "bind_queue",
    "declare_exchange",
    "declare_queue",
    "delete_exchange",
    "delete_queue",
    "purge_queue",
    "unbind_exchange",
    "unbind_queue",
]


def declare_exchange(channel: Channel, asked: commands.Exchange.Declare) -> commands.Exchange.DeclareOk:
    """Make an exchange, or look whether it is there."""
    if asked.passive:
        channel.vhost.exchange(asked.exchange)
    else:
        channel.vhost.declare_exchange(
            Exchange(
                asked.exchange,
                asked.exchange_type,
                durable=asked.durable,
                auto_delete=asked.auto_delete,
                internal=asked.internal,
                arguments=asked.arguments or {},
            )
        )
    return commands.Exchange.DeclareOk()


def delete_exchange(channel: Channel, asked: commands.Exchange.Delete) -> commands.Exchange.DeleteOk:
    """Remove an exchange."""
    channel.vhost.delete_exchange(asked.exchange, if_unused=asked.if_unused)
    return commands.Exchange.DeleteOk()


def bind_exchange(channel: Channel, asked: commands.Exchange.Bind) -> commands.Exchange.BindOk:
    """Lead from an exchange to another."""
    key, arguments = asked.routing_key or "", asked.arguments or {}
    channel.vhost.bind(Binding(asked.source, "exchange", asked.destination, key, arguments))
    return commands.Exchange.BindOk()


def unbind_exchange(channel: Channel, asked: commands.Exchange.Unbind) -> commands.Exchange.UnbindOk:
    """Lead from an exchange to another no more."""
    key, arguments = asked.routing_key or "", asked.arguments or {}
    channel.vhost.unbind(Binding(asked.source, "exchange", asked.destination, key, arguments))
    return commands.Exchange.UnbindOk()


def declare_queue(channel: Channel, asked: commands.Queue.Declare) -> commands.Queue.DeclareOk:
    """Make a queue, or look whether it is there."""
    if asked.passive:
        queue = channel.queue(asked.queue)
    else:
        queue = channel.vhost.declare_queue(
            asked.queue,
            channel.link,
            durable=asked.durable,
            exclusive=asked.exclusive,
            auto_delete=asked.auto_delete,
            arguments=asked.arguments or {},
        )
    channel.last_queue = queue.name
    return commands.Queue.DeclareOk(queue.name, len(queue.ready), len(queue.consumers))


def bind_queue(channel: Channel, asked: commands.Queue.Bind) -> commands.Queue.BindOk:
    """Lead from an exchange to a queue."""
    channel.vhost.bind(_to_queue(channel, asked))
    return commands.Queue.BindOk()


def unbind_queue(channel: Channel, asked: commands.Queue.Unbind) -> commands.Queue.UnbindOk:
    """Lead from an exchange to a queue no more."""
    channel.vhost.unbind(_to_queue(channel, asked))
    return commands.Queue.UnbindOk()


def purge_queue(channel: Channel, asked: commands.Queue.Purge) -> commands.Queue.PurgeOk:
    """Empty a queue."""
    return commands.Queue.PurgeOk(channel.queue(asked.queue).purge())


def delete_queue(channel: Channel, asked: commands.Queue.Delete) -> commands.Queue.DeleteOk:
    """Remove a queue; one that is not there is removed already."""
    name = asked.queue or channel.last_queue
    if name not in channel.vhost.queues:
        return commands.Queue.DeleteOk(0)
    queue = channel.queue(name)
    if asked.if_unused and queue.consumers:
        raise ChannelFault(406, f"queue '{name}' in vhost '{channel.vhost.name}' in use")
    if asked.if_empty and queue.ready:
        raise ChannelFault(406, f"queue '{name}' in vhost '{channel.vhost.name}' is not empty")
    count = len(queue.ready)
    channel.vhost.delete_queue(queue)
    return commands.Queue.DeleteOk(count)


def _to_queue(channel: Channel, asked: commands.Queue.Bind | commands.Queue.Unbind) -> Binding:
    queue = channel.queue(asked.queue)
    key = asked.routing_key or ""
    if not (asked.queue or key):  # without both names the queue's own is the key (AMQP 0-9-1, queue.bind)
        key = queue.name
    return Binding(asked.exchange, "queue", queue.name, key, asked.arguments or {})
