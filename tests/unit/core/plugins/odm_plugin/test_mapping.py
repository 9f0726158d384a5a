"""Which entities go straight to MongoDB, which go through their document class, and which cannot go at all."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NewType
from uuid import UUID, uuid4

import pytest
from beanie import Indexed, Insert, before_event
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    AbstractRepository,
    AbstractRepositoryInMemory,
    BaseDocument,
    InvalidDocumentError,
    PersistedEntity,
    RepositoryDefinitionError,
    StaleRevisionError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.mapping import DirectMapping, DocumentMapping, map_entity
from fastapi_factory_utilities.core.plugins.odm_plugin.opaque import is_opaque
from tests.contracts.library import Book, BookDocument, Everything, EverythingDocument

Short = Annotated[str, StringConstraints(max_length=5)]


class Plain(PersistedEntity):
    name: str


class PlainDocument(BaseDocument):
    name: Annotated[str, Indexed(unique=True)]


class Tight(PersistedEntity):
    name: Short


class TightDocument(BaseDocument):
    name: Short


class Cleaning(BaseDocument):
    name: str

    @field_validator("name")
    @classmethod
    def clean(cls, name: str) -> str:
        return name.strip().lower()


class Stripping(BaseDocument):
    model_config = ConfigDict(str_strip_whitespace=True)

    name: str


class More(BaseDocument):
    name: str
    kind: str = "plain"


class PlainMore(PersistedEntity):
    name: str
    note: str = "only here"


class InnerDocument(BaseModel):
    value: int = Field(alias="v")


class Inner(BaseModel):
    value: int


class Nesting(PersistedEntity):
    name: str = "n"
    inner: Inner


class NestingDocument(BaseDocument):
    name: str = "n"
    inner: InnerDocument


def memory(document: type[BaseDocument], entity: type[BaseModel]) -> AbstractRepositoryInMemory[Any, Any]:
    return AbstractRepositoryInMemory[document, entity]()  # type: ignore[valid-type]  # chosen at run time


def stored_in(repository: AbstractRepositoryInMemory[Any, Any]) -> dict[str, Any]:
    """The only document that is stored."""
    collection: Any = repository._collection
    (stored,) = collection._state.documents.values()
    return dict(stored.content)


def put(repository: AbstractRepositoryInMemory[Any, Any], document: dict[str, Any]) -> None:
    collection: Any = repository._collection
    collection._state.put(collection._state.make(document))


@pytest.mark.parametrize(
    ("document", "entity", "mapping"),
    [
        (BookDocument, Book, DirectMapping),
        (EverythingDocument, Everything, DirectMapping),
        (PlainDocument, Plain, DirectMapping),
        (PlainDocument, Tight, DirectMapping),  # what the entity allows, the document allows
        (PlainDocument, PlainMore, DirectMapping),
        (TightDocument, Tight, DirectMapping),
        (TightDocument, Plain, DocumentMapping),
        (Cleaning, Plain, DocumentMapping),
        (Stripping, Plain, DocumentMapping),
        (More, Plain, DocumentMapping),
        (NestingDocument, Nesting, DocumentMapping),
    ],
)
def test_only_a_document_that_says_nothing_more_is_passed_by(
    document: type[BaseDocument], entity: type[BaseModel], mapping: type
) -> None:
    assert type(map_entity(document, entity)) is mapping


async def test_a_documents_validators_are_obeyed() -> None:
    repository = memory(Cleaning, Plain)
    inserted = await repository.insert(Plain(name="  Emma "))
    assert inserted.name == "emma"
    assert await repository.get_one_by_id(inserted.id) == inserted
    updated = await repository.update(inserted.model_copy(update={"name": " ANNA"}))
    assert updated.name == "anna"
    assert (await memory(Stripping, Plain).insert(Plain(name=" x "))).name == "x"


async def test_a_documents_limits_are_obeyed() -> None:
    repository = memory(TightDocument, Plain)
    with pytest.raises(InvalidDocumentError, match="name: string_too_long") as caught:
        await repository.insert(Plain(name="far too long"))
    assert "far too long" not in str(caught.value)
    inserted = await repository.insert(Plain(name="short"))
    with pytest.raises(InvalidDocumentError):
        await repository.update(inserted.model_copy(update={"name": "far too long"}))


async def test_a_field_that_only_the_document_has_is_kept_by_updates() -> None:
    repository = memory(More, Plain)
    inserted = await repository.insert(Plain(name="x"))
    assert await repository.count({"kind": "plain"}) == 1
    stored = stored_in(repository)
    put(repository, {**stored, "kind": "changed"})
    await repository.update(inserted.model_copy(update={"name": "y"}))
    await repository.upsert(Plain(id=inserted.id, name="z"))
    assert await repository.count({"kind": "changed", "name": "z"}) == 1


async def test_an_upsert_that_inserts_has_the_documents_defaults() -> None:
    repository = memory(More, Plain)
    await repository.upsert(Plain(name="x"))
    assert await repository.count({"kind": "plain"}) == 1


async def test_a_field_that_only_the_entity_has_is_not_stored() -> None:
    repository = memory(PlainDocument, PlainMore)
    inserted = await repository.insert(PlainMore(name="x", note="given"))
    assert inserted.note == "only here"
    assert await repository.count({"note": {"$exists": True}}) == 0


async def test_nested_models_of_their_own_are_translated() -> None:
    repository = memory(NestingDocument, Nesting)
    inserted = await repository.insert(Nesting(inner=Inner(value=3)))
    assert inserted.inner == Inner(value=3)
    assert await repository.get_one({"inner.v": 3}) == inserted


async def test_relatives_in_one_collection_are_told_apart() -> None:
    class Vehicle(BaseDocument):
        name: str

        class Settings:
            is_root = True
            name = "vehicles"

    class Car(Vehicle):
        pass

    class Bus(Vehicle):
        pass

    cars, buses = memory(Car, Plain), memory(Bus, Plain)
    buses._collection = cars._collection
    inserted = await cars.insert(Plain(name="x"))
    assert await cars.get_one_by_id(inserted.id) == inserted
    assert await buses.get_one_by_id(inserted.id) is None
    assert await buses.find() == []
    assert await buses.delete_one_by_id(inserted.id) is False
    assert (await cars.update(inserted)).name == "x"
    await buses.upsert(Plain(name="y"))
    assert [bus.name for bus in await buses.find()] == ["y"]


async def test_nulls_are_not_kept_when_the_settings_say_so() -> None:
    class Thin(BaseDocument):
        name: str | None = None
        more: Inner | None = None

        class Settings:
            keep_nulls = False

    class ThinEntity(PersistedEntity):
        name: str | None = None
        more: Inner | None = None

    repository = memory(Thin, ThinEntity)
    assert isinstance(repository._mapping, DirectMapping)
    inserted = await repository.insert(ThinEntity(name="x", more=Inner(value=1)))
    updated = await repository.update(inserted.model_copy(update={"name": None}))
    assert updated.name is None
    assert await repository.count({"name": {"$exists": True}}) == 0
    assert await repository.count({"more": {"$exists": True}}) == 1
    assert await repository.get_one_by_id(inserted.id) == updated


async def test_custom_encoders_of_the_document_are_used() -> None:
    class Dated(BaseDocument):
        name: str
        at: datetime

        class Settings:
            bson_encoders: ClassVar[dict[type, Any]] = {str: str.upper}

    class DatedEntity(PersistedEntity):
        name: str
        at: datetime

    repository = memory(Dated, DatedEntity)
    inserted = await repository.insert(DatedEntity(name="x", at=datetime(2024, 1, 1, tzinfo=UTC)))
    assert inserted.name == "X"
    assert await repository.count({"name": "x"}) == 1, "a filter is encoded likewise"


async def test_without_revisions_the_last_write_wins() -> None:
    class Loose(BaseDocument):
        name: str

        class Settings:
            use_revision = False

    repository = memory(Loose, Plain)
    inserted = await repository.insert(Plain(name="x"))
    assert inserted.revision_id is None
    await repository.update(inserted.model_copy(update={"name": "y"}))
    assert (await repository.update(inserted)).name == "x"


class Bare(BaseModel):
    id: UUID = Field(default_factory=uuid4)
    name: str


async def test_an_entity_without_times_and_revision_will_do() -> None:
    repository = memory(PlainDocument, Bare)
    inserted = await repository.insert(Bare(name="x"))
    assert await repository.get_one_by_id(inserted.id) == inserted
    await repository.update(Bare(id=inserted.id, name="y"))
    assert (await repository.upsert(Bare(id=inserted.id, name="z"))).name == "z"
    assert await repository.count({"created_at": {"$type": "date"}, "revision_id": {"$type": "binData"}}) == 1


async def test_a_strict_or_a_closed_entity_is_read_all_the_same() -> None:
    class Strict(PersistedEntity):
        model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

        name: str
        words: set[str]

    class StrictDocument(BaseDocument):
        name: str
        words: set[str]

    repository = memory(StrictDocument, Strict)
    inserted = await repository.insert(Strict(name="x", words={"a"}))
    stored = stored_in(repository)
    put(repository, {**stored, "unknown": 1})
    assert await repository.get_one_by_id(inserted.id) == inserted


async def test_a_document_that_fits_no_more_is_an_error_without_its_values() -> None:
    repository = memory(PlainDocument, Plain)
    inserted = await repository.insert(Plain(name="x"))
    stored = stored_in(repository)
    put(repository, {**stored, "name": {"secret": "planted"}})
    for read in (
        repository.get_one_by_id(inserted.id),
        repository.find(),
        repository.get_one(),
        anext(repository.stream()),
    ):
        with pytest.raises(InvalidDocumentError, match="name: string_type") as caught:
            await read
        assert "planted" not in str(caught.value)
        assert caught.value.__suppress_context__


async def test_an_id_may_be_a_new_type() -> None:
    BookId = NewType("BookId", UUID)

    class Typed(PersistedEntity):
        id: BookId = Field(default_factory=lambda: BookId(uuid4()))
        name: str

    repository = memory(PlainDocument, Typed)
    assert isinstance(repository._mapping, DirectMapping)
    inserted = await repository.insert(Typed(name="x"))
    assert await repository.get_one_by_id(inserted.id) == inserted
    with pytest.raises(StaleRevisionError):
        await repository.update(Typed(id=inserted.id, name="y"))


# --- definitions that cannot work ---


def test_what_an_entity_requires_and_the_document_does_not_store_is_refused() -> None:
    class Needs(PersistedEntity):
        name: str
        missing: int

    with pytest.raises(RepositoryDefinitionError, match="Needs requires missing, which PlainDocument does not store"):
        memory(PlainDocument, Needs).collection_name  # noqa: B018 - asked for its effect


def test_what_a_document_requires_and_the_entity_does_not_have_is_refused() -> None:
    class Wants(BaseDocument):
        name: str
        more: int

    with pytest.raises(RepositoryDefinitionError, match="Wants requires more, which Plain does not have"):
        memory(Wants, Plain).collection_name  # noqa: B018 - asked for its effect


def test_an_entity_without_an_id_is_refused() -> None:
    class Nameless(BaseModel):
        name: str

    with pytest.raises(RepositoryDefinitionError, match="Nameless has no field `id`"):
        memory(PlainDocument, Nameless).collection_name  # noqa: B018 - asked for its effect


def test_event_actions_are_refused_because_nobody_would_run_them() -> None:
    class Acting(BaseDocument):
        name: str

        @before_event(Insert)
        def act(self) -> None: ...

    with pytest.raises(RepositoryDefinitionError, match=r"Acting\.act is a Beanie event action"):
        memory(Acting, Plain).collection_name  # noqa: B018 - asked for its effect


# --- what a repository keeps ---


class Middle[DocumentT: BaseDocument](AbstractRepositoryInMemory[DocumentT, Plain]):
    pass


class Swapped[EntityT: PersistedEntity, DocumentT: BaseDocument](AbstractRepositoryInMemory[DocumentT, EntityT]):
    pass


class OfMiddle(Middle[PlainDocument]):
    pass


class OfSwapped(Swapped[Plain, PlainDocument]):
    pass


class Further(OfSwapped):
    pass


@pytest.mark.parametrize(
    "make",
    [OfMiddle, OfSwapped, Further, AbstractRepositoryInMemory[PlainDocument, Plain], Middle[PlainDocument]],
)
async def test_the_type_parameters_are_found(make: Any) -> None:
    repository = make([Plain(name="x")])
    assert repository.collection_name == "PlainDocument"
    (found,) = await repository.find()
    assert type(found) is Plain


def test_a_repository_that_does_not_say_what_it_keeps_is_refused_when_it_is_made() -> None:
    class Nothing(AbstractRepository):  # type: ignore[type-arg]  # on purpose
        pass

    class Wrong(AbstractRepositoryInMemory[Plain, PlainDocument]):  # type: ignore[type-var]  # the wrong way round
        pass

    with pytest.raises(RepositoryDefinitionError, match="Nothing does not say what it keeps"):
        Nothing(None)  # type: ignore[arg-type]  # never used
    with pytest.raises(RepositoryDefinitionError, match=r"Wrong does not say .* is no BaseDocument"):
        Wrong()


def test_parameters_that_never_come_are_told_at_the_first_use() -> None:
    bare = AbstractRepositoryInMemory()  # type: ignore[var-annotated]  # on purpose
    with pytest.raises(TypeError, match="does not say what it keeps"):
        bare.collection_name  # noqa: B018 - asked for its effect


# --- what a model may hold ---


class Tree(BaseModel):
    children: list["Tree"]
    kind: type | None = None


@pytest.mark.parametrize(
    ("annotation", "opaque"),
    [
        (str, False),
        (UUID | None, False),
        (list[dict[str, tuple[int, ...]]], False),
        (Short, False),
        (Inner, False),
        (Any, True),
        (dict[str, Any], True),
        (list, True),
        (object, True),
        (Tree, True),
    ],
)
def test_whether_a_model_may_hold_anything(annotation: Any, opaque: bool) -> None:
    model = type("Model", (BaseModel,), {"__annotations__": {"field": annotation}})
    assert is_opaque(model) is opaque
