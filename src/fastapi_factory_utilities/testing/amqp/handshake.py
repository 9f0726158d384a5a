"""How a connection is opened: who is there, what both sides can do, and in which virtual host."""

from collections.abc import Mapping

from pamqp import base, commands
from pamqp.common import FieldTable

from fastapi_factory_utilities.testing.amqp.faults import ConnectionFault
from fastapi_factory_utilities.testing.amqp.vhosts import VirtualHost
from fastapi_factory_utilities.testing.amqp.wire import FRAME_MAX

__all__ = ["Handshake"]

_CHANNEL_MAX = 2047
_SMALLEST_FRAME = 4096  # AMQP 0-9-1, frame-min-size
_HEARTBEAT_SECONDS = 60
_CAPABILITIES: FieldTable = {
    "publisher_confirms": True,
    "exchange_exchange_bindings": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "consumer_priorities": True,
    "authentication_failure_close": True,
    "per_consumer_qos": True,
    "direct_reply_to": False,
}


class Handshake:
    """What was agreed upon with a client, step by step.

    Attributes:
        user: Who it says it is.
        hears_cancel: Whether it wants to know when a queue that it consumes is gone.
        channel_max: The highest number of a channel.
        frame_max: The size of the largest frame.
        heartbeat_seconds: How often a sign of life is due; 0 is never.
        vhost: Where it is; None until it is open.
    """

    def __init__(self, vhosts: Mapping[str, VirtualHost]) -> None:
        self.user: str = ""
        self.hears_cancel: bool = False
        self.channel_max: int = _CHANNEL_MAX
        self.frame_max: int = FRAME_MAX
        self.heartbeat_seconds: int = 0
        self.vhost: VirtualHost | None = None
        self._vhosts = vhosts
        self._expected: type[base.Frame] | None = commands.Connection.StartOk

    @property
    def done(self) -> bool:
        """Whether the connection is open."""
        return self.vhost is not None

    def start(self) -> base.Frame:
        """What the broker says first."""
        properties: FieldTable = {"product": "InMemoryBroker", "platform": "Python", "capabilities": _CAPABILITIES}
        return commands.Connection.Start(server_properties=properties, mechanisms="PLAIN AMQPLAIN", locales="en_US")

    def answers(self, method: base.Frame) -> list[base.Frame]:
        """Take a step, and return what the broker says to it.

        Raises:
            ConnectionFault: When it is not the client's next step.
        """
        if self.done and isinstance(method, commands.Connection.UpdateSecret):
            return [commands.Connection.UpdateSecretOk()]
        if self._expected is None or not isinstance(method, self._expected):
            raise ConnectionFault(503, f"{method.name} is out of place")
        match method:
            case commands.Connection.StartOk():
                self._start_ok(method)
                self._expected = commands.Connection.TuneOk
                return [commands.Connection.Tune(_CHANNEL_MAX, FRAME_MAX, _HEARTBEAT_SECONDS)]
            case commands.Connection.TuneOk():
                self._tune_ok(method)
                self._expected = commands.Connection.Open
                return []
            case commands.Connection.Open():
                self._open(method)
                self._expected = None
                return [commands.Connection.OpenOk()]
            case _:
                raise AssertionError(method.name)

    def _start_ok(self, method: commands.Connection.StartOk) -> None:
        if method.mechanism not in {"PLAIN", "AMQPLAIN"}:
            raise ConnectionFault(403, f"no authentication mechanism {method.mechanism}")
        # PLAIN is "\0user\0password" (RFC 4616); whoever authenticates otherwise has no name.
        parts = str(method.response).split("\0")
        self.user = parts[1] if len(parts) > 1 else ""
        capabilities = (method.client_properties or {}).get("capabilities")
        self.hears_cancel = isinstance(capabilities, dict) and capabilities.get("consumer_cancel_notify") is True

    def _tune_ok(self, method: commands.Connection.TuneOk) -> None:
        self.channel_max = _agreed("channel_max", method.channel_max, _CHANNEL_MAX, smallest=1)
        self.frame_max = _agreed("frame_max", method.frame_max, FRAME_MAX, smallest=_SMALLEST_FRAME)
        self.heartbeat_seconds = method.heartbeat

    def _open(self, method: commands.Connection.Open) -> None:
        if method.virtual_host not in self._vhosts:
            raise ConnectionFault(530, f"vhost {method.virtual_host} not found")
        self.vhost = self._vhosts[method.virtual_host]


def _agreed(name: str, asked: int, largest: int, *, smallest: int) -> int:
    if asked and not smallest <= asked <= largest:
        raise ConnectionFault(530, f"negotiated {name} = {asked} is not between {smallest} and {largest}")
    return asked or largest  # 0 is no limit
