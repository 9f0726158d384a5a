"""`AiopikaPlugin`: RabbitMQ for the application, its topology, publishers and listeners (FR22-FR25)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fastapi_factory_utilities.core.plugins.aiopika.config import AiopikaConfig
from fastapi_factory_utilities.core.plugins.aiopika.errors import MessageDefinitionError, TopologyError
from fastapi_factory_utilities.core.plugins.aiopika.listening_contract import Listening, ListeningContext
from fastapi_factory_utilities.core.plugins.aiopika.provided import (
    depends_aiopika_robust_connection,
    depends_message_sender,
    depends_publisher,
)
from fastapi_factory_utilities.core.plugins.aiopika.topology import Exchange, Queue
from fastapi_factory_utilities.core.plugins.connection import ConnectionPlugin
from fastapi_factory_utilities.core.plugins.errors import PluginError
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.roles import ProcessRole
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiopika.connection import BrokerConnection
    from fastapi_factory_utilities.core.plugins.aiopika.declaring import Declared
    from fastapi_factory_utilities.core.plugins.aiopika.publisher import AbstractPublisher

__all__ = ["AiopikaPlugin"]

_HEALTHY: Final = Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)
_BLOCKED: Final = (
    "the broker takes no messages (connection.blocked): it is short of memory or disk; see its alarms, consumers go on"
)


class AiopikaPlugin(ConnectionPlugin[AiopikaConfig, "BrokerConnection"]):
    """Connects the application to RabbitMQ.

    The service starts while the broker is away. Whenever it appears, exchanges, queues and bindings are declared, and
    listeners consume; publishers wait for it, within their deadline. There are two connections: the one that
    `depends_aiopika_robust_connection` gives, where listeners consume, and one for publishing, because a broker short
    of memory or disk stops reading from whoever publishes, acknowledgements included.

    Args:
        listeners: What consumes; only in a process that serves (`ProcessRole.WEB`).
        publishers: What publishes; `depends_publisher(BookEvents)` gives one to a route.
        exchanges: Further exchanges to declare.
        queues: Further queues to declare.
        config: Instead of the section `aiopika`.

    Raises:
        MessageDefinitionError: Two listeners or two publishers cannot be told apart.
    """

    section: ClassVar[str] = "aiopika"
    component: ClassVar[str] = "message_broker:RabbitMQ"
    publishing_component: ClassVar[str] = "message_broker:RabbitMQ publishing"
    provides = depends_aiopika_robust_connection

    def __init__(
        self,
        listeners: Iterable[Listening] | None = None,
        publishers: "Iterable[AbstractPublisher[Any]] | None" = None,
        *,
        exchanges: Iterable[Exchange] = (),
        queues: Iterable[Queue] = (),
        config: AiopikaConfig | None = None,
    ) -> None:
        super().__init__(config)
        self._listeners = tuple(listeners or ())
        self._publishers = tuple(publishers or ())
        self._given_topology: tuple[Exchange | Queue, ...] = (*exchanges, *queues)
        self._declared: Declared | None = None
        self._connections: tuple[BrokerConnection, ...] = ()  # for consuming, for publishing
        self._started: list[Listening] = []
        _check_names("listeners", [listener.name for listener in self._listeners])
        _check_names("publishers", [f"{type(each).__qualname__} {each.name!r}" for each in self._publishers])

    def on_load(self) -> None:
        """Check that the extra is installed.

        Raises:
            MissingExtraError: It is not.
        """
        require_extra("amqp", "aio_pika", "aiormq")

    def topology(self) -> list[Exchange | Queue]:
        """Return all that is declared on the broker."""
        consumed = [item for listener in self._listeners for item in listener.topology()]
        if self.context.role is not ProcessRole.WEB:
            # An exclusive queue belongs to whoever declares it: that must be the process that consumes.
            consumed = [item for item in consumed if not (isinstance(item, Queue) and item.exclusive)]
        return [*self._given_topology, *(publisher.exchange for publisher in self._publishers), *consumed]

    @asynccontextmanager
    async def open(self) -> "AsyncIterator[BrokerConnection]":
        """Begin to connect, in the background."""
        from fastapi_factory_utilities.core.plugins.aiopika.connection import (  # noqa: PLC0415 - needs the driver
            BrokerConnection,
        )
        from fastapi_factory_utilities.core.plugins.aiopika.declaring import Declared  # noqa: PLC0415 - likewise

        _keep_the_driver_from_telling_everything()
        name = self.config.connection_name or self.context.config.application.service_name
        self._declared = declared = Declared(self.topology())
        connection = BrokerConnection(
            self.config,
            name=name,
            prepare=declared.declare,
            on_ready=self._tell_ready,
            on_lost=self._tell_lost,
            problem_with=declared.problem_with,
            telemetry=self.context.telemetry,
        )

        async def wait_for_topology(_: BrokerConnection) -> None:
            await connection.ready()
            await connection.ask()  # it may not know yet that the broker is another one now

        publishing = BrokerConnection(
            self.config,
            name=f"{name} publishing",
            prepare=wait_for_topology,
            on_ready=self._tell_ready,
            on_lost=self._tell_lost,
            problem_with=declared.problem_with,
            telemetry=self.context.telemetry,
        )
        self._connections = (connection, publishing)
        async with connection.running(), publishing.running():
            try:
                yield connection
            finally:
                self._connections = ()

    async def ping(self, client: "BrokerConnection") -> object:
        """Ask the broker over both connections; one that gave no answer for too long is made anew."""
        publishing = self._open_publishing()
        await asyncio.gather(client.ask(), publishing.ask())
        blocked = await publishing.is_blocked() or await client.is_blocked()
        status = Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, _BLOCKED) if blocked else _HEALTHY
        self.context.status.report(ComponentInstanceType.from_key(self.publishing_component), status)
        return None

    async def ready(self, client: "BrokerConnection") -> None:
        """See that the topology is declared, and try again what could not be.

        Raises:
            TopologyError: Some of it cannot be declared; the rest is, and works.
        """
        assert self._declared is not None  # noqa: S101 - `open` has made it
        await client.ready()
        if self._declared.problems:
            await self._declared.declare(client, only_failed=True)
        problems = self._declared.problems
        if problems:
            more = f" (and {len(problems) - 1} more: {_names(problems[1:])})" if problems[1:] else ""
            raise TopologyError(f"{problems[0]}{more}", **problems[0].fields) from problems[0]
        await self._open_publishing().ready()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Provide publishers beside the connection, and have the listeners consume."""
        status = self.context.status
        async with super().lifespan():
            # An optional component before the required one would make the service ready for a moment.
            blocking = status.register_component_instance(
                ComponentInstanceType.from_key(self.publishing_component), required=False
            )
            try:
                async with self._provide_publishers(), self._listening():
                    yield
            finally:
                blocking.unregister()

    async def on_drain(self) -> None:
        """Have the listeners take nothing new."""
        await asyncio.gather(*(listener.pause() for listener in self._started))

    @asynccontextmanager
    async def _provide_publishers(self) -> AsyncIterator[None]:
        from fastapi_factory_utilities.core.plugins.aiopika.sender import ConfirmedSender  # noqa: PLC0415 - see `open`

        app, publishing = self.context.asgi_app, self._open_publishing()
        slots = []
        try:
            depends_message_sender.publish(app, ConfirmedSender(publishing))
            slots.append(depends_message_sender)
            for publisher in self._publishers:
                if publisher.is_in_use:
                    raise PluginError(
                        f"{self.name}: {publisher!r} belongs to another application that runs: make one for each",
                        plugin=self.name,
                    )
                publisher.set_robust_connection(publishing, timeout_seconds=self.config.publish_timeout_seconds)
                for slot in _slots_of(publisher, self._publishers):
                    slot.publish(app, publisher)
                    slots.append(slot)
            yield
        finally:
            for slot in slots:
                slot.withdraw(app)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        listeners = self._consuming()
        context = ListeningContext(
            app=self.context.asgi_app,
            connection=depends_aiopika_robust_connection.of(self.context.asgi_app),
            publishing=self._open_publishing(),
            config=self.config,
            work=self.context.work,
        )
        self._started = started = []
        try:
            for listener in listeners:
                await listener.start(context)
                started.append(listener)
            yield
        finally:
            ended = await asyncio.gather(*(listener.stop() for listener in started), return_exceptions=True)
            failures = [error for error in ended if isinstance(error, Exception)]
            if failures:
                raise ExceptionGroup("listeners failed to stop", failures)

    def _consuming(self) -> Sequence[Listening]:
        return self._listeners if self.context.role is ProcessRole.WEB else ()

    def _open_publishing(self) -> "BrokerConnection":
        return self._connections[1]

    def _tell_ready(self) -> None:
        """Push into health that all is well again: during a long outage the probe asks but every other second."""
        if self._declared and not self._declared.problems and all(each.is_ready for each in self._connections):
            self.context.status.report(ComponentInstanceType.from_key(self.component), _HEALTHY)

    def _tell_lost(self, reason: str) -> None:
        """Push the loss of a connection into health; the probe decides whether it is more than a moment."""
        instance = ComponentInstanceType.from_key(self.component)
        state = self.context.status.components.get(instance.key)
        if state is not None and state.status.health is HealthStatusEnum.HEALTHY:
            self.context.status.report(
                instance, Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, f"connection lost: {reason}")
            )


def _slots_of(publisher: "AbstractPublisher[Any]", all_of_them: "Sequence[AbstractPublisher[Any]]") -> list[Any]:
    """Where a publisher is provided: by class and name, and by class alone where there is no other of its class."""
    kind = type(publisher)
    slots: list[Any] = [depends_publisher(kind, publisher.name)]
    if sum(type(other) is kind for other in all_of_them) == 1:
        slots.append(depends_publisher(kind))
    return slots


def _check_names(what: str, names: Sequence[str]) -> None:
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise MessageDefinitionError(
            f"AiopikaPlugin: {what} cannot be told apart: {', '.join(double)}; give each a name of its own",
            names=tuple(double),
        )


def _names(problems: Iterable[TopologyError]) -> str:
    return ", ".join(str(problem.fields.get("name")) for problem in problems)


def _keep_the_driver_from_telling_everything() -> None:
    """The driver logs whole messages, and every step of an outage that we tell ourselves in one line.

    That is for those who ask for it by name: `logging: [{name: aiormq, level: debug}]`.
    """
    for name in ("aiormq", "aio_pika"):
        driver = logging.getLogger(name)
        if driver.level == logging.NOTSET:
            driver.setLevel(logging.CRITICAL)
