"""A client that tells of its commands: a span and a figure each, the command's name and never what it was given."""

from collections.abc import Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self

from fastapi_factory_utilities.core.plugins.redis_client import required  # noqa: F401 - says how to install the rest

# isort: split
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from fastapi_factory_utilities.core.telemetry import AttributeValue, Histogram, Span, SpanKind, SpanScope, Telemetry
from fastapi_factory_utilities.core.telemetry.conventions import DATABASE_BUCKETS, ERROR_TYPE, type_name

__all__ = ["Commands", "ToldRedis"]

_UNSAID: Final = "command"  # what somebody calls who makes up commands is not for names of spans


class Commands:
    """Makes the spans of the commands of one client.

    Args:
        telemetry: Where they are told.
        database: The number of the database.
        host: The server's name, where it is known.
        port: Its port, likewise.
    """

    def __init__(
        self, telemetry: Telemetry, *, database: int, host: str | None = None, port: int | None = None
    ) -> None:
        self.telemetry = telemetry
        self.durations: Histogram = telemetry.histogram(
            "db.client.operation.duration",
            unit="s",
            description="How long an operation on a database took.",
            buckets=DATABASE_BUCKETS,
        )
        self._place: dict[str, AttributeValue] = {"db.system.name": "redis", "db.namespace": str(database)}
        if host is not None:
            self._place["server.address"] = host
        if port is not None:
            self._place["server.port"] = port
        self._attributes: dict[str, Mapping[str, AttributeValue]] = {}

    def of(self, name: object) -> "_Command":
        """Return the scope of one command.

        Args:
            name: The command; of several words, such as `CLIENT LIST`, all.
        """
        said = name if isinstance(name, str) and name.replace(" ", "").replace(".", "").isalnum() else _UNSAID
        attributes = self._attributes.get(said)
        if attributes is None:
            attributes = self._attributes[said] = self.telemetry.shared({**self._place, "db.operation.name": said})
        return _Command(self, said, attributes)


class _Command:
    __slots__ = ("_attributes", "_began", "_commands", "_scope", "_span")

    def __init__(self, commands: Commands, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        self._commands = commands
        self._attributes = attributes
        self._scope: SpanScope = commands.telemetry.span(name, SpanKind.CLIENT, attributes)

    def __enter__(self) -> Self:
        self._span: Span = self._scope.__enter__()
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seconds, figures = perf_counter() - self._began, self._attributes
        if isinstance(error, Exception):
            error_type = type_name(error)
            figures = {**figures, ERROR_TYPE: error_type}
            self._span.fail(error_type)  # by its class alone: the server's words may quote a value
        self._commands.durations.record(seconds, figures)
        self._scope.__exit__(None, None, None)

    def has(self, count: int) -> None:
        """Say how many commands it stands for."""
        if count > 1:
            self._span.set_attribute("db.operation.batch.size", count)


class ToldRedis(Redis):
    """The driver's client; each command and each pipeline is told of."""

    told: Commands

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's signature
        """Send one command, and return its answer."""
        with self.told.of(args[0]):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # the driver's

    def pipeline(
        self,
        transaction: bool = True,  # noqa: FBT001, FBT002 - the driver's signature
        shard_hint: str | None = None,
    ) -> Pipeline:
        """Return what sends several commands at once."""
        pipeline = _ToldPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.told = self.told
        return pipeline


class _ToldPipeline(Pipeline):
    told: Commands

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - the driver's signature
        """Send all that was gathered, and return the answers."""
        if not len(self):
            return await super().execute(raise_on_error)
        with self.told.of("MULTI" if self.is_transaction else "PIPELINE") as command:
            command.has(len(self))
            return await super().execute(raise_on_error)
