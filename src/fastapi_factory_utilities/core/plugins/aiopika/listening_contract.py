"""What the plugin asks of a listener; `AbstractListener` keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI

from fastapi_factory_utilities.core.plugins.aiopika.config import AiopikaConfig
from fastapi_factory_utilities.core.plugins.work import Work

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
    from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue

__all__ = ["Listening", "ListeningContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningContext:
    """All that a listener may know of the application it works for.

    Attributes:
        app: Whose dependencies its handler gets.
        connection: Where it consumes: `await connection.ready()`, then `connection.channel()`; both again after a loss.
        publishing: Where it sends retries and dead letters: `await publishing.publish(...)`, confirmed. Another
            connection, since a broker in want of memory or disk stops reading from those that publish.
        config: The section `aiopika`.
        work: Where messages in flight are counted, as `"messages"`.
    """

    app: FastAPI
    connection: "BrokerConnection"
    publishing: "BrokerConnection"
    config: AiopikaConfig
    work: Work


class Listening(Protocol):
    """A listener, as the plugin sees it. Started once, it looks after itself until it is stopped."""

    @property
    def name(self) -> str:
        """What it is called in logs; no two of an application share one."""
        ...

    def topology(self) -> "Sequence[Exchange | Queue]":
        """What must exist for it: its queue, and those for retries and dead letters, in order of declaration.

        The plugin declares them whenever the broker (re)appears, before `connection.ready()` returns. One that could
        not be declared is `connection.problem_with(item)`: do not consume from it then.
        """
        ...

    async def start(self, context: ListeningContext) -> None:
        """Begin to consume, in the background; returns at once, also while the broker is down."""
        ...

    async def pause(self) -> None:
        """Take nothing new; what is in flight goes on. Must not wait for the broker longer than a moment."""
        ...

    async def stop(self) -> None:
        """Take nothing new, and wait for what is in flight; when cancelled, give it back at once."""
        ...
