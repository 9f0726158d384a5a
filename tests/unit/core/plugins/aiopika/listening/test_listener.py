"""Listeners that cannot work are refused when they are made."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, Header

from fastapi_factory_utilities.core.plugins import PluginError
from fastapi_factory_utilities.core.plugins.aiopika import (
    NO_RETRY,
    AbstractListener,
    AiopikaPluginBaseError,
    Exchange,
    GenericMessage,
    MessageDefinitionError,
    Queue,
    RetryPolicy,
    listen,
)

QUEUE = Queue("orders", Exchange("shop"), "order.*")


class OrderMessage(GenericMessage[int]):
    """An order."""


class Shipper(AbstractListener[OrderMessage]):
    async def on_message(self, message: OrderMessage) -> None:
        """Ship it."""


def shop() -> str:
    return "shop"


def test_beside_its_queue_there_is_one_for_each_delay_and_one_for_what_is_given_up() -> None:
    assert [item.name for item in Shipper(QUEUE).topology()] == [
        "orders",
        "orders.retry.1000",
        "orders.retry.5000",
        "orders.retry.25000",
        "orders.retry.130000",
        "orders.dead",
    ]
    assert [item.name for item in Shipper(QUEUE, retry=NO_RETRY).topology()] == ["orders", "orders.dead"]


def test_messages_that_wait_go_back_to_their_queue_with_the_brokers_confirmation() -> None:
    waiting = Shipper(QUEUE, retry=RetryPolicy(attempts=2)).topology()[1]
    assert isinstance(waiting, Queue)
    assert waiting.all_arguments() == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "orders",
        "x-message-ttl": 1000,
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
    }
    assert waiting.all_bindings() == []


def test_it_is_called_by_its_class_and_queue_unless_it_has_a_name() -> None:
    assert Shipper(QUEUE).name == "Shipper(orders)"
    assert Shipper(QUEUE, "north").name == "north"

    @listen(QUEUE)
    async def ship(message: OrderMessage) -> None: ...

    assert ship.name == "ship(orders)"


def test_it_must_say_which_messages_it_handles() -> None:
    class Vague(AbstractListener[Any]):
        async def on_message(self, message: Any) -> None: ...

    with pytest.raises(MessageDefinitionError, match="which messages"):
        Vague(QUEUE)

    async def vague(message) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 - that is the point

    with pytest.raises(MessageDefinitionError, match="which messages"):
        listen(QUEUE)(vague)


def test_a_handler_may_ask_for_its_message_and_for_dependencies_only() -> None:
    class Greedy(AbstractListener[OrderMessage]):
        async def on_message(self, message: OrderMessage, shop: str) -> None: ...

    class Modest(AbstractListener[OrderMessage]):
        async def on_message(self, message: OrderMessage, shop: Annotated[str, Depends(shop)], size: int = 1) -> None:
            """Nothing is missing."""

    Modest(QUEUE)
    with pytest.raises(MessageDefinitionError, match="message, shop"):
        Greedy(QUEUE)


def test_a_dependency_that_needs_a_request_is_refused() -> None:
    def tenant(x_tenant: Annotated[str, Header()]) -> str:
        return x_tenant

    class Tenant(AbstractListener[OrderMessage]):
        async def on_message(self, message: OrderMessage, tenant: Annotated[str, Depends(tenant)]) -> None: ...

    with pytest.raises(PluginError, match="x-tenant"):
        Tenant(QUEUE)


async def test_without_a_connection_it_says_what_to_do() -> None:
    with pytest.raises(AiopikaPluginBaseError, match="AiopikaPlugin"):
        await Shipper(QUEUE).listen()


async def test_to_stop_what_never_began_does_nothing() -> None:
    listener = Shipper(QUEUE)
    await listener.pause()
    await listener.stop()
    await listener.close()


async def test_a_function_stays_callable() -> None:
    @listen(QUEUE)
    async def double(message: OrderMessage) -> int:
        return 2 * message.data

    assert await double(OrderMessage(data=4)) == 8
