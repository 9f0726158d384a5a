from typing import Any

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.odm_plugin import (
    DatabaseUnavailableError,
    EntityNotFoundError,
    InvalidDocumentError,
    OperationError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation

SECRET = "planted"


def failure(code: int, name: str = "", **details: Any) -> OperationFailure:
    return OperationFailure(f"it failed with {SECRET}", code, {"code": code, "codeName": name, **details})


CASES: list[tuple[Exception, type[OperationError], dict[str, Any]]] = [
    (ServerSelectionTimeoutError(SECRET), DatabaseUnavailableError, {}),
    (AutoReconnect(SECRET), DatabaseUnavailableError, {}),
    (NetworkTimeout(SECRET), DatabaseUnavailableError, {}),
    (NotPrimaryError(SECRET), DatabaseUnavailableError, {}),
    (WaitQueueTimeoutError(SECRET), DatabaseUnavailableError, {}),
    (ExecutionTimeout(SECRET, 50, {}), DatabaseUnavailableError, {}),
    (WTimeoutError(SECRET, 64, {}), DatabaseUnavailableError, {}),
    (failure(11600, "InterruptedAtShutdown"), DatabaseUnavailableError, {}),
    (failure(91, "ShutdownInProgress"), DatabaseUnavailableError, {}),
    (failure(13, "Unauthorized"), OperationError, {"code": 13, "code_name": "Unauthorized", "transient": False}),
    (
        failure(112, "WriteConflict", errorLabels=["TransientTransactionError"]),
        OperationError,
        {"code": 112, "transient": True},
    ),
    (WriteConcernError(SECRET, 100, {}), OperationError, {"code": 100}),
    (InvalidOperation(SECRET), OperationError, {}),
    (
        DuplicateKeyError(
            SECRET, 11000, {"keyPattern": {"a": 1, "b": 1}, "errmsg": f"E11000 index: a_1_b_1 dup key: {SECRET}"}
        ),
        UnableToCreateEntityDueToDuplicateKeyError,
        {"index": "a_1_b_1", "keys": ("a", "b")},
    ),
    (
        DuplicateKeyError(SECRET, 11000, {"errmsg": f"E11000 collection: a.b index: _id_ dup key: {SECRET}"}),
        UnableToCreateEntityDueToDuplicateKeyError,
        {"index": "_id_", "keys": ()},
    ),
    (DuplicateKeyError(SECRET), UnableToCreateEntityDueToDuplicateKeyError, {"index": None, "keys": ()}),
    (
        BulkWriteError({"writeErrors": [{"index": 4, "code": 11000, "keyPattern": {"a": 1}, "op": SECRET}]}),
        UnableToCreateEntityDueToDuplicateKeyError,
        {"position": 4, "keys": ("a",)},
    ),
    (BulkWriteError({"writeErrors": [{"index": 4, "code": 121, "errmsg": SECRET}]}), OperationError, {}),
    (InvalidDocument(SECRET), InvalidDocumentError, {}),
    (DocumentTooLarge(SECRET), InvalidDocumentError, {}),
    (OverflowError(SECRET), InvalidDocumentError, {}),
]


@pytest.mark.parametrize(("given", "wanted", "facts"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_an_error_of_the_driver_comes_out_as_one_of_ours(
    given: Exception, wanted: type[OperationError], facts: dict[str, Any]
) -> None:
    with pytest.raises(OperationError) as caught, Operation("books", "insert"):
        raise given
    assert type(caught.value) is wanted
    assert caught.value.__cause__ is given
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.fields)
    assert "insert in the collection 'books'" in str(caught.value)
    assert caught.value.fields.items() >= {"collection": "books", "operation": "insert", **facts}.items()


def test_what_is_not_the_drivers_passes() -> None:
    for error in (KeyError("x"), EntityNotFoundError("x"), ValueError("x")):
        with pytest.raises(type(error)) as caught, Operation("books", "insert"):
            raise error
        assert caught.value is error


def test_what_is_unavailable_is_a_503() -> None:
    assert issubclass(DatabaseUnavailableError, BackendUnavailableError)
    assert DatabaseUnavailableError("x").retry_after_seconds > 0


def test_what_is_not_there_is_a_value_error() -> None:
    assert issubclass(EntityNotFoundError, ValueError)
