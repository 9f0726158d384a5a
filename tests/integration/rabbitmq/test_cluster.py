"""A cluster of three nodes that loses one under load."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins.aiopika import BrokerUnavailableError, Queue
from fastapi_factory_utilities.testing.servers import RabbitMQCluster, RabbitMQServer
from fastapi_factory_utilities.testing.servers.erlang import Atom
from tests.integration.rabbitmq.consuming import EXCHANGE, Order, OrderMessage, Orders, Recorder, running

pytestmark = [pytest.mark.xdist_group("rabbitmq-private"), pytest.mark.timeout(240)]

SHIPPED = Queue("orders.shipped", EXCHANGE, "order.*", queue_type="quorum")
PUBLISHERS = 8
AT_LEAST = 100  # messages before the node is killed, and again afterwards
DEADLINE_SECONDS = 45.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitMQCluster]:
    with RabbitMQCluster() as cluster:
        yield cluster


class Load:
    """Publishers that never rest, and remember what was confirmed."""

    def __init__(self, orders: Orders) -> None:
        self.confirmed: set[int] = set()
        self.refused = 0
        self._orders = orders
        self._next = 0

    async def run(self) -> None:
        while True:
            number, self._next = self._next, self._next + 1
            try:
                await self._orders.publish(OrderMessage(data=Order(number=number)), "order.placed")
            except BrokerUnavailableError:
                self.refused += 1
            else:
                self.confirmed.add(number)
            await asyncio.sleep(0.005)


def leader_of(queue: Queue, cluster: RabbitMQCluster, vhost: str) -> RabbitMQServer:
    """The node that a queue's leader is on: with it, publishers and consumers lose the most."""
    name = Atom(f"{vhost}_{queue.name}")  # of the process, RabbitMQ's rabbit_quorum_queue:qname_to_internal_name
    leader: Any = cluster.nodes[0].erlang("ra_leaderboard", "lookup_leader", name)
    return next(node for node in cluster.nodes if node.node == leader[1])


async def reaches(count: Callable[[], int], goal: int, what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while count() < goal:
        assert time.monotonic() < deadline, f"{what}: {count()} of {goal}"
        await asyncio.sleep(0.02)


async def test_nothing_confirmed_is_lost_with_a_node_and_work_goes_on_without_it(cluster: RabbitMQCluster) -> None:
    uri = cluster.add_vhost("load")
    shipping = Recorder(SHIPPED)
    async with running(uri, shipping) as (orders, _):
        load = Load(orders)
        publishing = [asyncio.create_task(load.run()) for _ in range(PUBLISHERS)]
        try:
            await reaches(lambda: len(shipping.handled), AT_LEAST, "handled at first")
            await asyncio.to_thread(cluster.settle)

            leader_of(SHIPPED, cluster, "load").kill()

            confirmed, handled = len(load.confirmed), len(shipping.handled)
            await reaches(lambda: len(load.confirmed), confirmed + AT_LEAST, "confirmed without the node")
            await reaches(lambda: len(shipping.handled), handled + AT_LEAST, "handled without the node")
        finally:
            for task in publishing:
                task.cancel()
            await asyncio.wait(publishing)
        await reaches(lambda: len(load.confirmed & set(shipping.handled)), len(load.confirmed), "confirmed and handled")
