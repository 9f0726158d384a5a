"""Which method of a client is answered by what."""

from collections.abc import Callable
from typing import Any

from pamqp import base, commands

from fastapi_factory_utilities.testing.amqp import consuming, declaring
from fastapi_factory_utilities.testing.amqp.channel import Channel
from fastapi_factory_utilities.testing.amqp.faults import ConnectionFault

__all__ = ["handle"]


def handle(channel: Channel, method: base.Frame) -> None:
    """Do what a client asks for on a channel, and answer it, unless it does not wait for that.

    Raises:
        ConnectionFault: When nobody can do that.
        Fault: When the client may not do that.
    """
    act = _ACTS.get(type(method))
    if act is None:
        raise ConnectionFault(540 if method.name in _KNOWN else 503, f"{method.name} is not for us")
    answer = act(channel, method)
    if answer is not None and not getattr(method, "nowait", False):
        channel.link.send(channel.number, answer)


def _flow(_: Channel, asked: commands.Channel.Flow) -> commands.Channel.FlowOk:
    if not asked.active:
        raise ConnectionFault(540, "active=false")
    return commands.Channel.FlowOk(active=True)


_KNOWN = {"Tx.Select", "Tx.Commit", "Tx.Rollback"}
_ACTS: dict[type[base.Frame], Callable[[Channel, Any], base.Frame | None]] = {
    commands.Channel.Flow: _flow,
    commands.Exchange.Declare: declaring.declare_exchange,
    commands.Exchange.Delete: declaring.delete_exchange,
    commands.Exchange.Bind: declaring.bind_exchange,
    commands.Exchange.Unbind: declaring.unbind_exchange,
    commands.Queue.Declare: declaring.declare_queue,
    commands.Queue.Bind: declaring.bind_queue,
    commands.Queue.Unbind: declaring.unbind_queue,
    commands.Queue.Purge: declaring.purge_queue,
    commands.Queue.Delete: declaring.delete_queue,
    commands.Basic.Qos: consuming.qos,
    commands.Basic.Consume: consuming.consume,
    commands.Basic.Cancel: consuming.cancel,
    commands.Basic.Get: consuming.get,
    commands.Basic.Ack: consuming.ack,
    commands.Basic.Nack: consuming.nack,
    commands.Basic.Reject: consuming.reject,
    commands.Basic.Recover: consuming.recover,
    commands.Basic.RecoverAsync: consuming.recover,
    commands.Confirm.Select: consuming.select_confirms,
}
