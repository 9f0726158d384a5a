"""Exchanges and queues, declared: each failure is one item's own."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from fastapi_factory_utilities.core.plugins.aiopika import required  # noqa: F401 - tells how to install what follows

# isort: split
from aiormq.exceptions import AMQPError, ChannelClosed, ConnectionClosed

from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations
from fastapi_factory_utilities.core.plugins.aiopika.errors import BrokerUnavailableError, TopologyError
from fastapi_factory_utilities.core.plugins.aiopika.resource import ChannelSource
from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel

__all__ = ["Declared", "declare_on_channel", "declare_with", "in_order", "key_of"]

type Key = tuple[str, str]


def key_of(item: Exchange | Queue) -> Key:
    """Return what an item is known by: its kind and its name."""
    return ("queue" if isinstance(item, Queue) else "exchange"), item.name


def in_order(items: Iterable[Exchange | Queue]) -> list[Exchange | Queue]:
    """Return the items and the exchanges that they are bound to, each once, those first that others are bound to."""
    found: list[Exchange | Queue] = []
    seen: set[int] = set()

    def add(item: Exchange | Queue) -> None:
        if id(item) in seen:
            return
        seen.add(id(item))
        for binding in item.all_bindings() if isinstance(item, Queue) else item.bindings:
            add(binding.exchange)
        if item.name and item not in found:
            found.append(item)

    for item in items:
        add(item)
    return found


class Declared:
    """What of a topology is declared on a broker, and what is wrong with the rest.

    Args:
        items: The topology; exchanges that are only mentioned in bindings are part of it.
    """

    def __init__(self, items: Iterable[Exchange | Queue]) -> None:
        self._items = in_order(items)
        self._problems: dict[Key, TopologyError] = {}
        self._deadly: set[Key] = set()

    @property
    def problems(self) -> tuple[TopologyError, ...]:
        """What is wrong."""
        return tuple(self._problems.values())

    def problem_with(self, item: Exchange | Queue) -> TopologyError | None:
        """What is wrong with one item."""
        return self._problems.get(key_of(item))

    async def declare(self, connection: ChannelSource, *, only_failed: bool = False) -> None:
        """Declare everything; a failure of one item does not stop the others.

        An item that makes the broker end the whole connection is not tried again: everybody would suffer for it.

        Args:
            connection: Where.
            only_failed: Leave out what was declared before.

        Raises:
            BrokerUnavailableError: The connection ended meanwhile.
        """
        items = [item for item in self._items if not only_failed or key_of(item) in self._problems]
        async with _Channels(connection) as channels:
            for item in items:
                if key_of(item) not in self._deadly:
                    await self._declare(channels, item)

    async def _declare(self, channels: "_Channels", item: Exchange | Queue) -> None:
        key = key_of(item)
        try:
            await declare_on_channel(await channels.get(), item)
        except TopologyError as error:
            self._problems[key] = error
            if isinstance(error.__cause__, ConnectionClosed):
                self._deadly.add(key)
                raise BrokerUnavailableError(
                    f"the broker ended the connection because of {_described(item)}"
                ) from error
        except (AMQPError, OSError, RuntimeError) as error:
            raise _gone(item) from error
        else:
            self._problems.pop(key, None)


class _Channels:
    """One channel after another: whatever the broker refuses closes the one it came by."""

    def __init__(self, connection: ChannelSource) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._channel is not None and not self._channel.is_closed:
            with own_cancellations():
                await self._channel.close()

    async def get(self) -> "AbstractChannel":
        if self._channel is None or self._channel.is_closed:
            with own_cancellations():
                channel = self._connection.channel(publisher_confirms=False, on_return_raises=False)
                self._channel = await channel
        return self._channel


async def declare_with(connection: ChannelSource, item: Exchange | Queue) -> None:
    """Declare one item on a channel of its own, which a failure may close.

    Raises:
        TopologyError: The broker refuses it, or does not answer in time.
        BrokerUnavailableError: The connection is gone.
    """
    try:
        async with _Channels(connection) as channels:
            await declare_on_channel(await channels.get(), item)
    except (AMQPError, OSError, RuntimeError) as error:
        raise _gone(item) from error


async def declare_on_channel(channel: "AbstractChannel", item: Exchange | Queue) -> None:
    """Declare one item and its bindings on an open channel; a failure closes it.

    Raises:
        TopologyError: The broker refuses it, or does not answer in time.
        BrokerUnavailableError: The connection is gone.
    """
    try:
        with own_cancellations():
            underlay = await channel.get_underlay_channel()
            for step in _steps(underlay, item):
                await step
    except ChannelClosed as error:
        raise _refused(item, error) from error
    except ConnectionClosed as error:
        if type(error) is ConnectionClosed:  # the broker's own reasons, such as a shutdown
            raise _gone(item) from error
        raise _refused(item, error) from error
    except TimeoutError as error:
        raise TopologyError(
            f"{_described(item)} was not declared within {item.timeout:g} s: see that the broker's nodes are up",
            **_facts(item),
        ) from error
    except (AMQPError, OSError, RuntimeError) as error:
        raise _gone(item) from error


def _steps(channel: Any, item: Exchange | Queue) -> Iterator[Any]:  # noqa: ANN401 - the driver's channel
    """The calls that declare an item, each made when the one before is done."""
    if isinstance(item, Exchange):
        yield channel.exchange_declare(
            item.name,
            exchange_type=getattr(item.exchange_type, "value", item.exchange_type),
            durable=item.durable,
            auto_delete=item.auto_delete,
            internal=item.internal,
            passive=item.passive,
            arguments=dict(item.arguments or {}),
            timeout=item.timeout,
        )
        for binding in item.bindings:
            yield channel.exchange_bind(
                destination=item.name,
                source=binding.exchange.name,
                routing_key=binding.routing_key,
                arguments=dict(binding.arguments or {}),
                timeout=item.timeout,
            )
        return
    yield channel.queue_declare(
        item.name,
        durable=item.durable,
        auto_delete=item.auto_delete,
        exclusive=item.exclusive,
        passive=item.passive,
        arguments=item.all_arguments(),
        timeout=item.timeout,
    )
    for binding in item.all_bindings():
        yield channel.queue_bind(
            item.name,
            binding.exchange.name,
            routing_key=binding.routing_key,
            arguments=dict(binding.arguments or {}),
            timeout=item.timeout,
        )


_ADVICE = {
    403: "give this user the permission",
    404: "declare what is missing first, or do not make it passive",
    405: "another connection has it exclusively",
    406: "it exists and is another: make it the same here, or delete it on the broker once it is empty",
}


def _refused(item: Exchange | Queue, error: ChannelClosed | ConnectionClosed) -> TopologyError:
    said = " ".join(str(part) for part in error.args if isinstance(part, str))
    code = next((code for code, kind in _CODES.items() if kind in type(error).__name__), None)
    advice = _ADVICE.get(code or 0, "see the broker's log")
    return TopologyError(
        f"{_described(item)} could not be declared: {advice}. The broker says: {said}", code=code, **_facts(item)
    )


# The driver's errors know their code by their class alone.
_CODES = {403: "AccessRefused", 404: "NotFoundEntity", 405: "LockedResource", 406: "PreconditionFailed"}


def _gone(item: Exchange | Queue) -> BrokerUnavailableError:
    return BrokerUnavailableError(
        f"the broker was lost while {_described(item)} was declared; it is declared again when the broker is back"
    )


def _described(item: Exchange | Queue) -> str:
    kind, name = key_of(item)
    return f"{kind} {name!r}"


def _facts(item: Exchange | Queue) -> dict[str, str]:
    kind, name = key_of(item)
    return {"kind": kind, "name": name}
