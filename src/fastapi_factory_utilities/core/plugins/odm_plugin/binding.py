"""Document classes that work before a server has answered, and without any.

Beanie makes a class usable (its settings, `Book.title == "x"`) in `init_beanie`, which talks to the server. Here
`init_beanie` runs against a stand-in that answers for the server, so nothing is sent and nothing is awaited.
"""

from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Never, cast

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from beanie import Document, init_beanie
from beanie.exceptions import CollectionWasNotInitialized
from pymongo.asynchronous.database import AsyncDatabase

from fastapi_factory_utilities.core.plugins.odm_plugin.errors import RepositoryDefinitionError

__all__ = ["bind", "is_prepared", "prepare"]

type Database = AsyncDatabase[dict[str, Any]]


def bind(models: Iterable[type[Any]], database: Database) -> None:
    """Tie document classes to a database, without asking it anything; Beanie's own methods then use it.

    Beanie ties a class to one database in the whole process: the last one bound. Repositories do not care.

    Raises:
        RepositoryDefinitionError: A class wants to do I/O while it is made usable (`custom_init`).
    """
    _initialise(list(models), database)


def is_prepared(model: type[Document]) -> bool:
    """Whether this very class, not only its parent, was made usable."""
    return vars(model).get("_document_settings") is not None


def prepare(model: type[Document]) -> None:
    """Make a document class usable without a database; one that is usable already is left alone."""
    if not is_prepared(model):
        database = _database_of_parents(model)
        _initialise(_family(model), cast("Database", _NoDatabase()) if database is None else database)


def _initialise(models: list[type[Any]], database: Database) -> None:
    stand_in = cast("Database", _StandIn(database))
    _run(init_beanie(database=stand_in, document_models=models, skip_indexes=True))
    for model in models:
        if issubclass(model, Document):
            model.get_settings().pymongo_db = database


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RepositoryDefinitionError(
        "a document class waits for something while it is made usable: move what its custom_init() does to the "
        "application's on_startup()"
    )


def _family(model: type[Document]) -> list[type[Document]]:
    """The class, and with Beanie's inheritance (`is_root`) all its relatives: they know one another."""
    roots = [base for base in model.__mro__ if getattr(vars(base).get("Settings"), "is_root", False)]
    if not roots:
        return [model]
    return [member for member in _with_subclasses(roots[-1]) if not is_prepared(member)]


def _with_subclasses(model: type[Document]) -> list[type[Document]]:
    return [model, *(member for child in model.__subclasses__() for member in _with_subclasses(child))]


def _database_of_parents(model: type[Document]) -> Database | None:
    """The database that a parent class is bound to; making the child usable must not untie it."""
    for base in model.__mro__:
        settings = vars(base).get("_document_settings")
        if settings is not None and not isinstance(settings.pymongo_db, _NoDatabase):
            return cast("Database", settings.pymongo_db)
    return None


class _StandIn:
    """Answers for a server what Beanie asks while it initialises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.client = self

    def append_metadata(self, driver_info: object) -> None:
        """Beanie adds its name to the client's handshake; the plugin does that where it makes the client."""

    async def command(self, command: Mapping[str, Any], *_: object, **__: object) -> dict[str, Any]:
        """Answer `buildInfo`; the version only chooses between forms of a `$lookup`, and 5 is long supported."""
        return {"version": "5.0.0", **command}

    async def list_collection_names(self, *_: object, **__: object) -> "_Everything":
        return _Everything()

    def __getitem__(self, name: str) -> object:
        return self._database[name]


class _Everything(list[str]):
    """Collections that exist already, so that none is created now: see `schema.ensure_schema`."""

    def __contains__(self, name: object) -> bool:
        return True


class _NoDatabase:
    """What a document class is bound to when there is no database."""

    def __getitem__(self, name: str) -> object:
        return _NoCollection(name)


class _NoCollection:
    """A collection without a database: it has a name, and every use of it is refused."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, attribute: str) -> Never:
        raise CollectionWasNotInitialized(
            f"the collection {self.name!r} has no database ({attribute!r} was asked of it): list its document class in "
            f"ODM_DOCUMENT_MODELS or in ODMPlugin(document_models=[...]), or use a repository"
        )
