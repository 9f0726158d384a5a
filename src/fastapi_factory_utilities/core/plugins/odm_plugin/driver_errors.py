"""The driver's errors, as ours."""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from bson.errors import BSONError
from pydantic import ValidationError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from fastapi_factory_utilities.core.plugins.odm_plugin.errors import (
    DatabaseUnavailableError,
    InvalidDocumentError,
    OperationError,
    UnableToCreateEntityDueToDuplicateKeyError,
)

__all__ = ["DRIVER_ERRORS", "Operation", "Operations", "as_operation_error", "invalid_document"]

# The last two are what BSON's encoder raises for an integer beyond 64 bits and for a lone surrogate.
_UNFIT = (BSONError, OverflowError, UnicodeError)
DRIVER_ERRORS = (PyMongoError, *_UNFIT)
"""What the driver raises."""

_DUPLICATE = frozenset({11000, 11001, 12582})
# Interrupted or stepping down (MongoDB's error_codes.yml): the server is going, or is not the primary any more.
_GOING = frozenset({91, 189, 10058, 10107, 11600, 11602, 13435, 13436})
_INDEX = re.compile(r"index: (?P<index>\S+)")


class Operation:
    """What is being done, for whatever goes wrong: `with Operation("books", "insert"):`.

    Args:
        collection: The collection's name.
        name: The operation, in a repository's words.
    """

    __slots__ = ("collection", "name")

    def __init__(self, collection: str, name: str) -> None:
        self.collection: str = collection
        self.name: str = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, DRIVER_ERRORS):
            raise self.translated(error) from error

    def translated(self, error: Exception) -> OperationError:
        """Return one of our errors for one of the driver's."""
        return as_operation_error(error, collection=self.collection, operation=self.name)


class Operations:
    """Makes the operations of one collection: `with operations("insert"):`.

    Args:
        collection: The collection's name.
    """

    def __init__(self, collection: str) -> None:
        self.collection: str = collection

    def __call__(self, name: str) -> Operation:
        """Return an operation, to be entered once."""
        return Operation(self.collection, name)


def as_operation_error(error: Exception, *, collection: str, operation: str) -> OperationError:
    """Return one of our errors for one of the driver's; the message has none of its text, which may quote values.

    Args:
        error: What the driver raised.
        collection: The collection's name.
        operation: What was tried, in a repository's words.
    """
    facts: dict[str, Any] = {"collection": collection, "operation": operation}
    if isinstance(error, PyMongoError):
        facts["transient"] = error.has_error_label("TransientTransactionError")
    where = f"{operation} in the collection {collection!r}"
    if (details := _duplicate(error)) is not None:
        index = _index_of(details)
        facts |= {"index": index, "keys": tuple(details.get("keyPattern", ()))}
        if "index" in details:
            facts["position"] = details["index"]
        named = f" {index!r}" if index else ""
        return UnableToCreateEntityDueToDuplicateKeyError(
            f"{where}: the unique index{named} has this value already", **facts
        )
    if _is_unavailable(error):
        return DatabaseUnavailableError(
            f"{where}: MongoDB did not answer in time ({type(error).__name__}); see the component's health, try again",
            **facts,
        )
    if isinstance(error, _UNFIT):
        return InvalidDocumentError(f"{where}: a value has no form in BSON ({type(error).__name__})", **facts)
    if isinstance(error, OperationFailure):
        code_name = (error.details or {}).get("codeName", "")
        facts |= {
            "code": error.code,
            "code_name": code_name,
            "labels": tuple((error.details or {}).get("errorLabels", ())),
        }
        said = f"{code_name or 'an error'} (code {error.code})"
        return OperationError(f"{where}: MongoDB refused it with {said}", **facts)
    return OperationError(f"{where}: the driver refused it ({type(error).__name__})", **facts)


def invalid_document(error: Exception, *, collection: str, operation: str, model: str) -> InvalidDocumentError:
    """Return our error for a document that does not fit; it says where and how, and never the value.

    Args:
        error: What validation or encoding raised.
        collection: The collection's name.
        operation: What was tried, in a repository's words.
        model: The name of the class it does not fit.
    """
    problems: tuple[str, ...] = ()
    if isinstance(error, ValidationError):
        problems = tuple(
            f"{'.'.join(map(str, problem['loc'])) or model}: {problem['type']}"
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        )
    said = f" ({'; '.join(problems)})" if problems else f" ({type(error).__name__})"
    return InvalidDocumentError(
        f"{operation} in the collection {collection!r}: a document does not fit {model}{said}",
        collection=collection,
        operation=operation,
        model=model,
        problems=problems,
    )


def _duplicate(error: Exception) -> Mapping[str, Any] | None:
    """What the server said of a duplicate key; `None` when it is about something else."""
    if isinstance(error, BulkWriteError):
        problems = error.details.get("writeErrors", [])
        return next((problem for problem in problems if problem.get("code") in _DUPLICATE), None)
    if isinstance(error, DuplicateKeyError):
        return error.details or {}
    return None


def _index_of(details: Mapping[str, Any]) -> str | None:
    """The index's name: servers say it in their message only, some without the keys beside it."""
    found = _INDEX.search(str(details.get("errmsg", "")))
    return found["index"] if found else None


def _is_unavailable(error: Exception) -> bool:
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError):
        return True
    if isinstance(error, OperationFailure) and error.code in _GOING:
        return True
    return isinstance(error, PyMongoError) and error.timeout
