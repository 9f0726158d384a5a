"""What is stored (`BaseDocument`) and what the rest of a service works with (`PersistedEntity`).

A document class says how entities lie in MongoDB: the collection's name, indexes, the names of the keys. An entity
knows nothing of that. Both have the same four fields to begin with, which the repository fills in.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

from fastapi_factory_utilities.core.plugins.odm_plugin import required  # noqa: F401 - tells how to install what follows

# isort: split
from beanie import Document
from beanie.odm.fields import ExpressionField
from beanie.odm.settings.document import DocumentSettings
from pydantic import AfterValidator, BaseModel, Field

from fastapi_factory_utilities.core.plugins.odm_plugin.binding import is_prepared, prepare

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(Document)

__all__ = ["BaseDocument", "PersistedEntity", "UTCDatetime", "utc_now"]


def utc_now() -> datetime:
    """Return the time as MongoDB keeps it: aware UTC, in whole milliseconds (BSON's UTC datetime), rounded down."""
    return to_utc(datetime.now(UTC))


def to_utc(moment: datetime) -> datetime:
    """Return a time as MongoDB keeps it; one without a time zone is taken for UTC, as the driver takes it.

    Raises:
        ValueError: When the time lies outside the years 1 to 9999 in UTC (pydantic answers it with a 422).
    """
    zone = moment.tzinfo
    if zone is None:
        moment = moment.replace(tzinfo=UTC)
    elif zone is not UTC:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError as cause:
            message = "a time in UTC must lie in the years 1 to 9999"
            raise ValueError(message) from cause
    excess = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - excess) if excess else moment


UTCDatetime = Annotated[datetime, AfterValidator(to_utc)]
"""A time that is the same before and after it was stored."""


class PersistedEntity(BaseModel):
    """The base of an entity that a repository keeps.

    Attributes:
        id: Its identity, made with it.
        revision_id: What `update` compares, so that nobody's change is lost; the repository sets it.
        created_at: When it was inserted; the repository sets it, once.
        updated_at: When it was written last; the repository sets it.
    """

    id: UUID = Field(default_factory=uuid4)
    revision_id: UUID | None = None
    created_at: UTCDatetime = Field(default_factory=utc_now)
    updated_at: UTCDatetime = Field(default_factory=utc_now)


_defining = threading.local()


def _with_base_settings(settings: type[Any]) -> type[Any]:
    if issubclass(settings, BaseDocument.Settings):
        return settings
    facts = {name: getattr(settings, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(settings.__name__, (settings, BaseDocument.Settings), facts)


class DocumentType(ModelMetaclass):
    """The class of document classes: query expressions without `init_beanie`, settings that add up.

    Beanie leaves expressions as class attributes behind, which pydantic takes for the defaults of a subclass that is
    defined later. So they are put aside while a class is defined.
    """

    def __new__(
        mcs,
        name: str,
        bases: tuple[type[Any], ...],
        namespace: dict[str, Any],
        **kwargs: Any,  # noqa: ANN401 - passed on as they come
    ) -> "DocumentType":
        with _expressions_put_aside(bases):
            if "Settings" in namespace and any(isinstance(base, DocumentType) for base in bases):
                namespace["Settings"] = _with_base_settings(namespace["Settings"])
            made: DocumentType = super().__new__(mcs, name, bases, namespace, **kwargs)  # type: ignore[assignment]  # typed as `type`
            return made

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - any attribute
            """Make the class usable when its first expression is asked for: `Book.title`."""
            fields = cls.__dict__.get("__pydantic_fields__", ())
            if name in fields and not getattr(_defining, "depth", 0) and not is_prepared(cls):
                prepare(cls)
                return getattr(cls, name)
            return super().__getattr__(name)


@contextmanager
def _expressions_put_aside(bases: tuple[type[Any], ...]) -> Iterator[None]:
    """Take the expressions off the parents of a class that is being defined, and put them back."""
    parents = {parent for base in bases for parent in base.__mro__ if isinstance(parent, DocumentType)}
    aside = [
        (parent, name, value)
        for parent in parents
        for name, value in vars(parent).items()
        if isinstance(value, ExpressionField)
    ]
    for parent, name, _ in aside:
        delattr(parent, name)
    _defining.depth = getattr(_defining, "depth", 0) + 1
    try:
        yield
    finally:
        _defining.depth -= 1
        for parent, name, value in aside:
            setattr(parent, name, value)


class BaseDocument(Document, metaclass=DocumentType):
    """The base of a document: an id that is known before it is stored, revisions and times.

    ::

        class BookDocument(BaseDocument):
            title: Annotated[str, Indexed(unique=True)]

            class Settings(BaseDocument.Settings):
                name = "books"

    The class is usable at once, also without a server; Beanie's own methods (`BookDocument.find`, `.insert()`) need the
    class among the documents of an `ODMPlugin`.
    """

    id: UUID = Field(default_factory=uuid4)  # type: ignore[assignment]  # Beanie's is an ObjectId that may be missing
    created_at: UTCDatetime = Field(default_factory=utc_now)
    updated_at: UTCDatetime = Field(default_factory=utc_now)

    class Settings:
        """How it is kept; a `Settings` of a subclass adds to this one, whether it inherits from it or not."""

        use_revision = True

    @classmethod
    def get_settings(cls) -> DocumentSettings:
        """Return Beanie's view of the settings, making the class usable first where nobody has."""
        if not is_prepared(cls):
            prepare(cls)
        return super().get_settings()
