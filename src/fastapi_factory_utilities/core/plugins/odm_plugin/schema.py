"""What has to be in the database before documents can be kept: indexes, and collections of a kind of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

from beanie import Document, View
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from fastapi_factory_utilities.core.plugins.odm_plugin.driver_errors import Operation
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import OperationError
from fastapi_factory_utilities.core.plugins.odm_plugin.indexes import indexes_of

__all__ = ["ensure_schema"]

type Database = AsyncDatabase[dict[str, Any]]

# MongoDB's error_codes.yml: IndexOptionsConflict, IndexKeySpecsConflict; a unique index over values that are not.
_CONFLICTS = frozenset({85, 86})
_DUPLICATES = 11000


async def ensure_schema(database: Database, models: Iterable[type[Any]]) -> None:
    """Make what the document classes ask for, where it is not there yet; doing it again is cheap.

    Nothing is ever dropped or changed: an index that differs from the one that is there is an error.

    Raises:
        OperationError: An index cannot be made; the message says which and what to do.
        DatabaseUnavailableError: The server did not answer.
    """
    models = list(models)
    special = {_name(model): options for model in models if (options := _creation(model)) is not None}
    if special:
        with Operation(", ".join(special), "create"):
            for name in special.keys() - set(await database.list_collection_names()):
                await database.command({"create": name, **special[name]})
    for model in models:
        if issubclass(model, Document):
            await _ensure_indexes(database, model)


async def _ensure_indexes(database: Database, model: type[Document]) -> None:
    indexes = indexes_of(model)
    if not indexes:
        return
    name = _name(model)
    try:
        with Operation(name, "create_indexes"):
            await database[name].create_indexes(indexes)
    except OperationError as error:
        cause = error.__cause__
        if not isinstance(cause, OperationFailure) or cause.code not in {*_CONFLICTS, _DUPLICATES}:
            raise
        asked = ", ".join(str(index.document["name"]) for index in indexes)
        if cause.code == _DUPLICATES:
            said = f"a unique index cannot be made, because documents have the same value: remove them ({asked})"
        else:
            said = (
                f"an index is there already with other options: drop it, or make {model.__name__} ask for it ({asked})"
            )
        raise OperationError(
            f"the collection {name!r}: {said}", collection=name, operation="create_indexes", code=cause.code
        ) from cause


def _name(model: type[Any]) -> str:
    return str(model.get_settings().name)


def _creation(model: type[Any]) -> Mapping[str, Any] | None:
    """How to create the collection of a time series, or a view; other collections come with their first document."""
    settings = model.get_settings()
    if issubclass(model, View):
        return {"viewOn": settings.source, "pipeline": settings.pipeline}
    if issubclass(model, Document) and settings.timeseries is not None:
        return {key: value for key, value in settings.timeseries.build_query("").items() if key != "name"}
    return None
