"""What happens to publishes, health and topology when the broker dies, hangs, comes back empty, or wants no more."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from fastapi_factory_utilities.core.plugins.aiopika import (
    AiopikaPlugin,
    BrokerConnection,
    BrokerUnavailableError,
    depends_aiopika_robust_connection,
    depends_publisher,
)
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, ReadinessStatusEnum, Status
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.servers import RabbitMQServer
from tests.integration.rabbitmq.shown import (
    BOOKS,
    COMPONENT,
    INDEX,
    App,
    BookEvents,
    book,
    eventually,
    make_app,
    titles,
)

SLACK_SECONDS = 2.0


@asynccontextmanager
async def running(uri: str, **section: Any) -> AsyncIterator[tuple[App, BookEvents, BrokerConnection]]:
    app = make_app(uri, AiopikaPlugin(publishers=[BookEvents(BOOKS)], queues=[INDEX]), **section)
    async with lifespan(app):
        await eventually(lambda: is_ready(app), 15, told=lambda: status(app))
        asgi = app.get_asgi_app()
        yield app, depends_publisher(BookEvents).of(asgi), depends_aiopika_robust_connection.of(asgi)


def status(app: App, component: str = COMPONENT) -> Status:
    return app.get_status_service().components[component].status


def is_ready(app: App) -> bool:
    return status(app).readiness is ReadinessStatusEnum.READY and status(app).health is HealthStatusEnum.HEALTHY


def is_down(app: App) -> bool:
    return status(app).health is HealthStatusEnum.UNHEALTHY


async def kept(uri: str) -> Counter[str]:
    async with await aio_pika.connect(uri) as line, line.channel() as channel:
        return Counter(await titles(channel))


class Publishing:
    """Publishes as fast as confirmations come, from several tasks, until told to stop."""

    def __init__(self, events: BookEvents, deadline_seconds: float) -> None:
        self._events = events
        self._deadline_seconds = deadline_seconds
        self.confirmed: list[str] = []
        self.failed: list[BaseException] = []
        self.longest_seconds = 0.0
        self._stopped = False

    async def __aenter__(self) -> "Publishing":
        self._publishers = [asyncio.ensure_future(self._publish(number)) for number in range(8)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        await asyncio.gather(*self._publishers)

    async def _publish(self, publisher: int) -> None:
        number = 0
        while not self._stopped:
            number += 1
            title = f"{publisher}-{number}"
            began = time.monotonic()
            try:
                await self._events.publish(book(title), "books.created", timeout_seconds=self._deadline_seconds)
            except BrokerUnavailableError as error:
                self.failed.append(error)
            else:
                self.confirmed.append(title)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)

    async def confirms(self, more: int = 50, seconds: float = 30.0) -> None:
        """Wait until so many more are confirmed."""
        wanted = len(self.confirmed) + more
        await eventually(lambda: len(self.confirmed) >= wanted, seconds, told=lambda: self.failed[-1:])


async def test_a_broker_killed_amid_publishing_keeps_what_it_confirmed(killable_rabbitmq: RabbitMQServer) -> None:
    uri = killable_rabbitmq.add_vhost(f"killed_{uuid4().hex}")
    async with running(uri) as (app, events, _):
        async with Publishing(events, 1.5) as publishing:
            await publishing.confirms()
            await asyncio.to_thread(killable_rabbitmq.kill)
            await eventually(lambda: is_down(app), 2 + SLACK_SECONDS, told=lambda: status(app))
            await asyncio.to_thread(killable_rabbitmq.start)
            await eventually(lambda: is_ready(app), 5 + SLACK_SECONDS, told=lambda: status(app))
            await publishing.confirms()
        assert publishing.longest_seconds < 1.5 + SLACK_SECONDS
        assert set(publishing.confirmed) <= set(await kept(uri)), "a confirmed message was lost"


async def test_a_line_that_is_cut_again_and_again_loses_nothing(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with running(line.uri) as (_, events, __):
        async with Publishing(events, 10) as publishing:
            for break_line in (line.drop, line.reset, line.drop, line.drop, line.reset):
                await publishing.confirms()
                break_line()
                line.heal()
            await publishing.confirms()
        assert publishing.failed == [], "each was sent again in time"
        assert set(publishing.confirmed) == set(await kept(rabbitmq_uri))


async def test_a_broker_that_hangs_is_told_and_publishes_keep_their_deadline(killable_rabbitmq: RabbitMQServer) -> None:
    uri = killable_rabbitmq.add_vhost(f"frozen_{uuid4().hex}")
    async with running(uri) as (app, events, _):
        async with Publishing(events, 1) as publishing:
            await publishing.confirms()
            killable_rabbitmq.freeze()
            try:
                await eventually(lambda: is_down(app), 5 + SLACK_SECONDS, told=lambda: status(app))
                await eventually(lambda: len(publishing.failed) >= 8)
            finally:
                killable_rabbitmq.thaw()
            await eventually(lambda: is_ready(app), 5 + SLACK_SECONDS, told=lambda: status(app))
            await publishing.confirms()
        assert publishing.longest_seconds < 1 + SLACK_SECONDS
        assert set(publishing.confirmed) <= set(await kept(uri)), "a confirmed message was lost"


async def test_a_line_that_leads_nowhere_is_given_up_and_made_anew(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    """Packets that are dropped somewhere, for good: the old connection never says that it is over."""
    line = fault_proxy(rabbitmq_uri)
    async with running(line.uri) as (app, events, _):
        made = line.connections_accepted
        line.latency(3600)
        await eventually(lambda: is_down(app), 5, told=lambda: status(app))
        await eventually(lambda: line.connections_accepted > made + 1, 10)
        line.heal()
        await eventually(lambda: is_ready(app), 10, told=lambda: status(app))
        await events.publish(book("Emma"), "books.created")


async def test_a_broker_that_comes_back_empty_gets_its_topology_again(killable_rabbitmq: RabbitMQServer) -> None:
    async with running(killable_rabbitmq.uri, publish_timeout_seconds=30) as (app, events, _):
        await events.publish(book("before"), "books.created")
        await asyncio.to_thread(killable_rabbitmq.kill)
        shutil.rmtree(killable_rabbitmq.folder / "mnesia")
        publishing = [asyncio.ensure_future(events.publish(book(number), "books.created")) for number in range(20)]
        await asyncio.to_thread(killable_rabbitmq.start)
        await asyncio.gather(*publishing)  # none is unroutable: each waited for the queue
        await eventually(lambda: is_ready(app), 10, told=lambda: status(app))
        assert await kept(killable_rabbitmq.uri) == Counter(map(str, range(20)))


async def _publish_for(seconds: float, events: BookEvents) -> None:
    async with asyncio.timeout(seconds):
        while True:
            await events.publish(book("late"), "books.created", timeout_seconds=1)
            await asyncio.sleep(0.05)


async def test_a_broker_short_of_memory_degrades_the_service_and_consumers_go_on(
    killable_rabbitmq: RabbitMQServer,
) -> None:
    uri = killable_rabbitmq.add_vhost(f"alarm_{uuid4().hex}")
    async with running(uri) as (app, events, connection):
        for number in range(3):
            await events.publish(book(number), "books.created")
        killable_rabbitmq.erlang("vm_memory_monitor", "set_vm_memory_high_watermark", 0)
        try:
            # The broker stops reading from a connection when that publishes, once it has noticed.
            with pytest.raises(BrokerUnavailableError):
                await _publish_for(20, events)
            component = AiopikaPlugin.publishing_component
            await eventually(lambda: status(app, component).health is HealthStatusEnum.DEGRADED)
            assert "short of memory or disk" in (status(app, component).reason or "")
            async with connection.channel() as channel:
                message = await (await channel.get_queue("books.index")).get()
                assert message is not None
                await message.ack()
            assert is_ready(app)
            assert app.get_status_service().status.readiness is ReadinessStatusEnum.READY
            assert app.get_status_service().status.health is HealthStatusEnum.DEGRADED
        finally:
            killable_rabbitmq.erlang("vm_memory_monitor", "set_vm_memory_high_watermark", 1)
        await eventually(lambda: status(app, component).health is HealthStatusEnum.HEALTHY)
        await events.publish(book("after"), "books.created")


async def test_a_cluster_is_reached_by_any_of_its_hosts(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    one, other = fault_proxy(rabbitmq_uri), fault_proxy(rabbitmq_uri)
    uri = one.uri.replace(f":{one.port}", f":{one.port},127.0.0.1:{other.port},127.0.0.1:1")
    one.refuse()
    async with running(uri) as (app, events, _):
        for down, up in ((other, one), (one, other), (other, one)):
            up.heal()
            down.refuse()
            await events.publish(book("Emma"), "books.created")
            await eventually(lambda: is_ready(app), told=lambda: status(app))


async def test_an_outage_is_logged_in_few_lines(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], caplog: pytest.LogCaptureFixture
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with running(line.uri) as (app, events, _):
        caplog.clear()
        line.refuse()
        await eventually(lambda: is_down(app))
        with pytest.raises(BrokerUnavailableError):
            await events.publish(book("Emma"), "books.created", timeout_seconds=2)
        assert len([record for record in caplog.records if record.levelname != "DEBUG"]) <= 10
        line.heal()
        await eventually(lambda: is_ready(app))


async def test_a_lost_line_is_told_before_anybody_asks(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy]
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with running(line.uri, health_check={"interval_seconds": 3600}) as (app, events, _):
        line.refuse()
        await eventually(lambda: status(app).health is HealthStatusEnum.DEGRADED, told=lambda: status(app))
        assert "connection lost" in (status(app).reason or "")
        line.heal()
        await eventually(lambda: is_ready(app), told=lambda: status(app))
        await events.publish(book("Emma"), "books.created")


async def test_a_line_that_never_lasts_is_told_in_few_lines(
    rabbitmq_uri: str, fault_proxy: Callable[[str], FaultProxy], caplog: pytest.LogCaptureFixture
) -> None:
    line = fault_proxy(rabbitmq_uri)
    async with running(line.uri, reconnect_base_seconds=0.02, reconnect_max_seconds=0.2) as (app, events, _):
        made = line.connections_accepted

        async def cut() -> None:
            while True:
                line.drop()
                await asyncio.sleep(0.1)

        cutting = asyncio.create_task(cut())
        await eventually(lambda: line.connections_accepted > made + 14, 20)
        caplog.clear()
        began = time.monotonic()
        await asyncio.sleep(3)
        told = [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"]
        assert len(told) / (time.monotonic() - began) < 100 / 60, told
        cutting.cancel()
        await eventually(lambda: is_ready(app), 10, told=lambda: status(app))
        await events.publish(book("Emma"), "books.created")
