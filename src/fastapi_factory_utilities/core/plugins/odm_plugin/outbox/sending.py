"""One round of sending: many confirms in flight, messages of one key one after the other."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.errors import PluginError
from fastapi_factory_utilities.core.plugins.messages import MessageSender
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.records import Record

__all__ = ["Outcome", "send_all"]

# A sender has a deadline of its own; this one is for a sender that forgot it.
_SEND_SECONDS = 60.0
# What says nothing about the message: it is the line, the broker, or the end of this process.
_NOT_THE_MESSAGE = (BackendUnavailableError, PluginError, OSError, TimeoutError)


@dataclass(slots=True)
class Outcome:
    """What became of the messages of a round, as far as it is known; of the others nothing was tried.

    Attributes:
        confirmed: The ids of those that the broker has.
        refused: Those that it will not take, and why.
        unavailable: Those for which it did not answer, and how.
    """

    confirmed: list[str] = field(default_factory=list)
    refused: list[tuple[Record, Exception]] = field(default_factory=list)
    unavailable: list[tuple[Record, Exception]] = field(default_factory=list)


async def send_all(
    records: Iterable[Record], sender: MessageSender, outcome: Outcome, *, may_send: Callable[[], bool]
) -> None:
    """Send messages, and write down what became of each.

    Args:
        records: The messages, in order.
        sender: Who sends them.
        outcome: Where it is written down, at once: also when this is cancelled.
        may_send: Asked before each message; when it says no, nothing more is begun.
    """
    async with asyncio.TaskGroup() as group:
        for chain in _chains(records):
            group.create_task(_send_in_order(chain, sender, outcome, may_send))


def _chains(records: Iterable[Record]) -> list[list[Record]]:
    """Messages that must wait for each other, together."""
    chains: list[list[Record]] = []
    by_key: dict[str, list[Record]] = {}
    for record in records:
        if record.key is None:
            chains.append([record])
        elif record.key in by_key:
            by_key[record.key].append(record)
        else:
            by_key[record.key] = [record]
            chains.append(by_key[record.key])
    return chains


async def _send_in_order(
    chain: list[Record], sender: MessageSender, outcome: Outcome, may_send: Callable[[], bool]
) -> None:
    for record in chain:
        if not may_send():
            return
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await sender.send(record.message)
        except _NOT_THE_MESSAGE as error:
            outcome.unavailable.append((record, error))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, trying the same for ever does not help
            outcome.refused.append((record, error))
            return
        outcome.confirmed.append(record.id)
