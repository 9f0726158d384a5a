"""What is told of operations: a span and a figure each, without a value of any document.

The names are those of the semantic conventions for MongoDB. They are put together once for each operation of a
collection, since a span may cost no more than a small part of the operation that it tells of.
"""

from collections.abc import Mapping
from time import perf_counter
from types import TracebackType
from typing import Final, NoReturn

from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import DRIVER_ERRORS, Operation, Operations
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError
from fastapi_factory_utilities.core.telemetry import AttributeValue, Histogram, Span, SpanKind, SpanScope, Telemetry
from fastapi_factory_utilities.core.telemetry.conventions import DATABASE_BUCKETS, ERROR_TYPE, type_name

__all__ = ["ToldOperations"]

_STATUS_CODE: Final = "db.response.status_code"
_TRANSACTION: Final = "transaction"
# What the server is asked to do, by a repository's words.
_COMMANDS: Final[Mapping[str, str]] = {
    "get_one_by_id": "find",
    "get_one": "find",
    "stream": "find",
    "exists": "find",
    "count": "aggregate",
    "insert_many": "insert",
    "upsert": "findAndModify",
    "delete_one_by_id": "delete",
    # an outbox's, an inbox's
    "add": "insert",
    "place": "findAndModify",
    "claim": "findAndModify",
    "done": "update",
    "release": "delete",
    "once": _TRANSACTION,
}
# Done once, in the time of whichever message comes first: no message's story is to differ for it.
_PREPARATION: Final = "create_indexes"


class ToldOperations(Operations):
    """Makes operations that are told of.

    Args:
        telemetry: Where.
        database: The database's name.
        collection: The collection's name.
    """

    def __init__(self, telemetry: Telemetry, database: str, collection: str) -> None:
        super().__init__(collection)
        self.telemetry = telemetry
        self.durations: Histogram = telemetry.histogram(
            "db.client.operation.duration",
            unit="s",
            description="How long an operation on a database took.",
            buckets=DATABASE_BUCKETS,
        )
        self._place = {"db.system.name": "mongodb", "db.namespace": database, "db.collection.name": collection}
        self._kinds: dict[str, _Kind] = {}

    def __call__(self, name: str) -> Operation:
        """Return one operation, to be entered once."""
        kind = self._kinds.get(name)
        if kind is None:
            if name == _PREPARATION:
                return super().__call__(name)
            kind = self._kinds[name] = _Kind(self, self._place, name)
        return _ToldOperation(kind, name)


class _Kind:
    """All that the operations of one name have in common."""

    __slots__ = ("attributes", "durations", "failed", "kind", "operations", "record", "span_name", "telemetry")

    def __init__(self, operations: ToldOperations, place: Mapping[str, AttributeValue], name: str) -> None:
        command = _COMMANDS.get(name, name)
        self.operations = operations
        self.telemetry = operations.telemetry
        self.span_name = f"{command} {operations.collection}"
        self.attributes = operations.telemetry.shared({**place, "db.operation.name": command})
        # A transaction is several calls and what is done between them; it is no call of its own.
        self.kind = SpanKind.INTERNAL if command == _TRANSACTION else SpanKind.CLIENT
        self.durations = None if command == _TRANSACTION else operations.durations
        self.record = None if self.durations is None else self.durations.bind(self.attributes)
        self.failed: dict[tuple[str, str], dict[str, AttributeValue]] = {}

    def failures(self, error: OperationError) -> dict[str, AttributeValue]:
        """Return what a failure is counted by."""
        error_type, code = type_name(error), str(error.fields.get("code") or "")
        found = self.failed.get((error_type, code))
        if found is None:
            found = {**self.attributes, ERROR_TYPE: error_type, **({_STATUS_CODE: code} if code else {})}
            self.failed[error_type, code] = found
        return found


class _ToldOperation(Operation):
    __slots__ = ("_began", "_kind", "_scope", "_span")

    def __init__(self, kind: _Kind, name: str) -> None:
        self.collection = kind.operations.collection
        self.name = name
        self._kind = kind

    def __enter__(self) -> None:
        kind = self._kind
        self._scope: SpanScope = kind.telemetry.span(kind.span_name, kind.kind, kind.attributes)
        self._span: Span = self._scope.__enter__()
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, DRIVER_ERRORS):
            self._refused(error, traceback)
        # Of anything else that is raised, the server did as it was asked: there was no such document, for example.
        record = self._kind.record
        if record is not None:
            record(perf_counter() - self._began)
        elif isinstance(error, Exception):
            self._span.fail(type_name(error))  # by its class alone: it may be anybody's, and say anything
        self._scope.__exit__(None, None, None)

    def _refused(self, error: Exception, traceback: TracebackType | None) -> NoReturn:
        """End as a failure, told by our own error: the driver's quotes values."""
        failure = self.translated(error)
        figures = self._kind.failures(failure)
        if self._kind.durations is not None:
            self._kind.durations.record(perf_counter() - self._began, figures)
        if _STATUS_CODE in figures:
            self._span.set_attribute(_STATUS_CODE, figures[_STATUS_CODE])
        self._scope.__exit__(type(failure), failure, traceback)
        raise failure from error
