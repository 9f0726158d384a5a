"""The methods that bring messages to a client, and those that settle them."""

from uuid import uuid4

from pamqp import commands

from fastapi_factory_utilities.testing.amqp.channel import Channel, Consumer
from fastapi_factory_utilities.testing.amqp.faults import ChannelFault, ConnectionFault

__all__ = ["ack", "cancel", "consume", "get", "nack", "qos", "recover", "reject", "select_confirms"]


def qos(channel: Channel, asked: commands.Basic.Qos) -> commands.Basic.QosOk:
    """Limit what is delivered and not settled (RabbitMQ, "Consumer Prefetch")."""
    if asked.prefetch_size:
        raise ConnectionFault(540, f"prefetch_size!=0 ({asked.prefetch_size})")
    if asked.global_:
        channel.prefetch_of_all = asked.prefetch_count
        channel.pump()
    else:
        channel.prefetch = asked.prefetch_count
    return commands.Basic.QosOk()


def consume(channel: Channel, asked: commands.Basic.Consume) -> None:
    """Send the messages of a queue as they come."""
    queue = channel.queue(asked.queue)
    tag = asked.consumer_tag or f"amq.ctag-{uuid4().hex}"
    if tag in channel.consumers:
        raise ConnectionFault(530, f"attempt to reuse consumer tag '{tag}'")
    if queue.exclusively_consumed or (asked.exclusive and queue.consumers):
        raise ChannelFault(403, f"queue '{queue.name}' in vhost '{channel.vhost.name}' in exclusive use")
    priority = (asked.arguments or {}).get("x-priority", 0)
    if not isinstance(priority, int):
        raise ChannelFault(406, f"invalid arg 'x-priority': {priority!r}")
    consumer = channel.consumers[tag] = Consumer(
        channel,
        tag,
        queue,
        no_ack=asked.no_ack,
        exclusive=asked.exclusive,
        priority=priority,
        prefetch=channel.prefetch,
    )
    queue.add(consumer)
    if not asked.nowait:
        channel.link.send(channel.number, commands.Basic.ConsumeOk(tag))
    queue.pump()  # now, because the client must have the tag before the first message


def cancel(channel: Channel, asked: commands.Basic.Cancel) -> commands.Basic.CancelOk:
    """Send no more; what was delivered can still be settled."""
    if (consumer := channel.consumers.get(asked.consumer_tag or "")) is not None:
        channel.cancel(consumer)
    return commands.Basic.CancelOk(asked.consumer_tag)


def get(channel: Channel, asked: commands.Basic.Get) -> commands.Basic.GetEmpty | None:
    """Bring one message, if there is one."""
    queue = channel.queue(asked.queue)
    if (entry := queue.get()) is None:
        return commands.Basic.GetEmpty()
    tag = channel.hold(entry, queue, None, settled=asked.no_ack)
    message, left = entry.message, len(queue.ready)
    got = commands.Basic.GetOk(tag, entry.redelivered, message.exchange, message.routing_key, left)
    channel.send_message(got, entry, queue)
    return None


def ack(channel: Channel, asked: commands.Basic.Ack) -> None:
    """Forget what was delivered."""
    channel.ack(channel.take_back(asked.delivery_tag or 0, multiple=asked.multiple))


def nack(channel: Channel, asked: commands.Basic.Nack) -> None:
    """Put back what was delivered, or let it die."""
    channel.reject(channel.take_back(asked.delivery_tag or 0, multiple=asked.multiple), requeue=asked.requeue)


def reject(channel: Channel, asked: commands.Basic.Reject) -> None:
    """Put back a message, or let it die."""
    channel.reject(channel.take_back(asked.delivery_tag or 0, multiple=False), requeue=asked.requeue)


def recover(
    channel: Channel, asked: commands.Basic.Recover | commands.Basic.RecoverAsync
) -> commands.Basic.RecoverOk | None:
    """Put back everything that is not settled."""
    if not asked.requeue:
        raise ConnectionFault(540, "requeue=false")
    channel.reject(channel.take_all_back(), requeue=True)
    return commands.Basic.RecoverOk() if isinstance(asked, commands.Basic.Recover) else None


def select_confirms(channel: Channel, _: commands.Confirm.Select) -> commands.Confirm.SelectOk:
    """Tell the publisher what becomes of each message."""
    channel.confirms = True
    return commands.Confirm.SelectOk()
