import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from beanie import Indexed
from pydantic import BaseModel, Field

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    BaseDocument,
    PersistedEntity,
    RepositoryDefinitionError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.documents import to_utc, utc_now


class Address(BaseModel):
    street: str = Field(alias="st")


class House(BaseDocument):
    name: Annotated[str, Indexed(unique=True)]
    floors: int = 1
    address: Address | None = None

    class Settings:
        name = "houses"


# --- times ---


def test_now_is_aware_utc_in_whole_milliseconds() -> None:
    now = utc_now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (datetime(2024, 1, 1, 12, 0, 0, 123999, tzinfo=UTC), datetime(2024, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)),
        (datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 12, tzinfo=UTC)),  # noqa: DTZ001 - without a zone on purpose
        (
            datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
            datetime(2024, 1, 1, 10, tzinfo=UTC),
        ),
        (datetime(1969, 12, 31, 23, 59, 59, 999, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_becomes_what_mongodb_keeps_of_it(given: datetime, kept: datetime) -> None:
    assert to_utc(given) == kept
    assert to_utc(given).tzinfo is UTC


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])  # noqa: DTZ901 - the zone is given below
def test_a_time_beyond_all_calendars_is_a_value_error(moment: datetime) -> None:
    offset = timezone(timedelta(hours=1 if moment.year == 1 else -1))
    with pytest.raises(ValueError, match="year"):
        to_utc(moment.replace(tzinfo=offset))
    assert to_utc(moment).tzinfo is UTC


def test_entities_and_documents_begin_with_the_same_four_fields() -> None:
    four = ["id", "revision_id", "created_at", "updated_at"]
    assert list(PersistedEntity.model_fields) == four
    assert list(BaseDocument.model_fields) == four
    entity = PersistedEntity()
    assert isinstance(entity.id, UUID)
    assert entity.revision_id is None
    assert PersistedEntity().id != entity.id


# --- without a server ---


def test_a_document_is_made_without_a_server() -> None:
    house = House(name="Howards End")
    assert (house.name, house.floors, house.revision_id) == ("Howards End", 1, None)
    assert House.get_collection_name() == "houses"


def test_the_first_thing_asked_of_a_document_may_be_an_expression() -> None:
    code = (
        "from fastapi_factory_utilities.core.plugins.odm_plugin import BaseDocument\n"
        "class House(BaseDocument):\n"
        "    name: str\n"
        "print(House.name == 'x', House.id == 'y', House.created_at > 3)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == "{'name': 'x'} {'_id': 'y'} {'created_at': {'$gt': 3}}\n"


def test_expressions_know_nested_aliases() -> None:
    assert str(House.address.street == "x") == "{'address.st': 'x'}"  # type: ignore[union-attr]  # Beanie's expression


def test_what_a_document_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nowhere"):
        _ = House.nowhere


_NO_DATABASE = """
import asyncio
from fastapi_factory_utilities.core.plugins.odm_plugin import BaseDocument

class House(BaseDocument):
    name: str

asyncio.run(House.find_all().to_list())
"""


def test_beanies_own_methods_say_what_to_do_when_there_is_no_database() -> None:
    # In a process of its own: Beanie ties classes to a database for as long as the process lives.
    finished = subprocess.run([sys.executable, "-c", _NO_DATABASE], capture_output=True, text=True, check=False)
    assert "CollectionWasNotInitialized" in finished.stderr
    assert "ODM_DOCUMENT_MODELS" in finished.stderr


# --- classes ---


def test_settings_of_a_subclass_add_to_those_of_the_base() -> None:
    settings = House.get_settings()
    assert (settings.name, settings.use_revision) == ("houses", True)


def test_settings_may_switch_revisions_off() -> None:
    class Plain(BaseDocument):
        class Settings:
            use_revision = False

    assert Plain.get_settings().use_revision is False
    assert Plain.get_collection_name() == "Plain"


def test_a_document_may_be_extended_after_it_was_used() -> None:
    assert House.name == House.name

    class Tower(House):
        name: str = "tower"
        height: int

    class Cellar(House):
        depth: int

    assert Tower.model_fields["name"].default == "tower"
    assert Tower.model_fields["floors"].default == 1
    assert Cellar.model_fields["name"].is_required(), "an expression of the parent is no default"
    assert Cellar.model_fields["id"].default_factory is not None
    assert str(Tower.height == 3) == "{'height': 3}"
    assert str(House.name == "x") == "{'name': 'x'}", "the parent has its expressions back"


def test_a_class_that_cannot_be_defined_takes_nothing_from_its_parent() -> None:
    assert House.name == House.name
    with pytest.raises(TypeError):
        type("Broken", (House,), {"__annotations__": {"x": int}, "x": Field(default=1, default_factory=int)})  # type: ignore[call-overload]  # on purpose
    assert str(House.name == "x") == "{'name': 'x'}"


def test_relatives_in_one_collection_know_one_another() -> None:
    class Vehicle(BaseDocument):
        class Settings:
            is_root = True
            name = "vehicles"

    class Car(Vehicle):
        doors: int

    class Bus(Vehicle):
        seats: int

    assert str(Car.doors == 4) == "{'doors': 4}"
    assert set(Vehicle._children) == {"Vehicle.Car", "Vehicle.Bus"}
    assert Bus.get_collection_name() == "vehicles"


def test_a_document_that_waits_while_it_is_made_usable_is_refused() -> None:
    class Slow(BaseDocument):
        @classmethod
        async def custom_init(cls) -> None:
            import asyncio  # noqa: PLC0415 - only here

            await asyncio.sleep(0)

    with pytest.raises(RepositoryDefinitionError, match="custom_init"):
        Slow()


def test_settings_are_those_of_the_class_that_says_them() -> None:
    class Base(BaseDocument):
        class Settings(BaseDocument.Settings):
            name = "base"
            indexes: ClassVar[list[Any]] = ["x"]

    class Sub(Base):
        class Settings:
            keep_nulls = False

    assert Base.get_settings().keep_nulls is True
    assert (Sub.get_settings().keep_nulls, Sub.get_settings().indexes) == (False, [])
