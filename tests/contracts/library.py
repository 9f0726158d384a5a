"""A library's books and readers: documents and entities of many kinds of fields, for the tests of repositories."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pymongo
from beanie import Indexed
from beanie.odm.custom_types import DecimalAnnotation
from pydantic import BaseModel, Field, HttpUrl, SecretStr

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    AbstractRepository,
    AbstractRepositoryInMemory,
    BaseDocument,
    PersistedEntity,
)

__all__ = [
    "SHELF",
    "Author",
    "Binding",
    "Book",
    "BookDocument",
    "Books",
    "BooksInMemory",
    "Everything",
    "EverythingDocument",
    "EverythingInMemory",
    "EverythingRepository",
    "Kind",
    "Level",
    "Tag",
]


class Author(BaseModel):
    """A nested model whose key in MongoDB is another than its name."""

    name: str
    born: int | None = Field(default=None, alias="b")


class Binding(StrEnum):
    HARD = "hard"
    SOFT = "soft"


class Tag(BaseModel):
    name: str
    weight: int = 0


class Book(PersistedEntity):
    title: str
    pages: int = 0
    rating: float | None = None
    binding: Binding = Binding.HARD
    author: Author | None = None
    subjects: list[str] = Field(default_factory=list)
    tags: list[Tag] = Field(default_factory=list)
    published: date | None = None
    shelf: str | None = None
    place: int | None = None


class BookDocument(BaseDocument):
    title: Annotated[str, Indexed(unique=True)]
    pages: int = 0
    rating: float | None = None
    binding: Binding = Binding.HARD
    author: Author | None = None
    subjects: list[str] = Field(default_factory=list)
    tags: list[Tag] = Field(default_factory=list)
    published: date | None = None
    shelf: str | None = Field(default=None, alias="s")
    place: int | None = None

    class Settings(BaseDocument.Settings):
        name = "books"
        indexes: ClassVar[list[Any]] = [
            pymongo.IndexModel(
                [("s", 1), ("place", 1)],
                name="one_book_a_place",
                unique=True,
                partialFilterExpression={"place": {"$exists": True}, "s": {"$type": "string"}},
            ),
            [("author.name", 1)],
        ]


class Books(AbstractRepository[BookDocument, Book]):
    async def titles(self, *filters: Any, **options: Any) -> list[str]:
        return [book.title for book in await self.find(*filters, **options)]


class BooksInMemory(AbstractRepositoryInMemory[BookDocument, Book], Books):
    pass


SHELF = [
    Book(title="Anna", pages=864, rating=4.5, author=Author(name="Leo", b=1828), subjects=["love", "trains"]),
    Book(
        title="Bel",
        pages=10,
        binding=Binding.SOFT,
        subjects=[],
        tags=[Tag(name="x", weight=1), Tag(name="y", weight=5)],
    ),
    Book(
        title="Clara", pages=200, rating=3.0, author=Author(name="Ann"), subjects=["love"], published=date(1999, 12, 31)
    ),
    Book(
        title="Dora",
        pages=200,
        rating=None,
        shelf="s1",
        place=1,
        tags=[Tag(name="x", weight=7)],
        subjects=["Love", "sea"],
    ),
    Book(title="émile", pages=-5, rating=0.5, shelf="s1", place=2, published=date(1762, 1, 1)),
]
"""Books that tell every query of the contract from every other."""


class Kind(Enum):
    PLAIN = "plain"
    NUMBER = 3


class Level(IntEnum):
    LOW = 1
    HIGH = 9


class Everything(PersistedEntity):
    """An entity with a field of every type that Beanie can store and read."""

    text: str
    number: int
    real: float
    flag: bool
    nothing: str | None
    moment: datetime
    day: date
    period: timedelta
    amount: DecimalAnnotation
    unique: UUID
    kind: Kind
    level: Level
    binding: Binding
    secret: SecretStr
    link: HttpUrl
    data: bytes
    words: set[str]
    pair: tuple[int, str]
    nested: Author
    deep: list[dict[str, list[Author]]]
    moments: dict[str, datetime]
    free: dict[str, Any]


class EverythingDocument(BaseDocument):
    text: str
    number: int
    real: float
    flag: bool
    nothing: str | None
    moment: datetime
    day: date
    period: timedelta
    amount: DecimalAnnotation
    unique: UUID
    kind: Kind
    level: Level
    binding: Binding
    secret: SecretStr
    link: HttpUrl
    data: bytes
    words: set[str]
    pair: tuple[int, str]
    nested: Author
    deep: list[dict[str, list[Author]]]
    moments: dict[str, datetime]
    free: dict[str, Any]

    class Settings(BaseDocument.Settings):
        name = "everything"


class EverythingRepository(AbstractRepository[EverythingDocument, Everything]):
    pass


class EverythingInMemory(AbstractRepositoryInMemory[EverythingDocument, Everything], EverythingRepository):
    pass


def everything() -> dict[str, Any]:
    """Values for it, many of which BSON does not have as they are."""
    return {
        "text": "wörd\x00s",
        "number": 2**40,
        "real": -0.1,
        "flag": True,
        "nothing": None,
        "moment": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC) + timedelta(hours=0),
        "day": date(2024, 2, 29),
        "period": timedelta(minutes=90, milliseconds=5),
        "amount": Decimal("12.340"),
        "unique": UUID("12345678123456781234567812345678"),
        "kind": Kind.NUMBER,
        "level": Level.HIGH,
        "binding": Binding.SOFT,
        "secret": SecretStr("planted"),
        "link": "https://example.org/a?b=c",
        "data": b"\x00\xff",
        "words": {"b", "a"},
        "pair": (1, "one"),
        "nested": Author(name="N", b=5),
        "deep": [{"k": [Author(name="A"), Author(name="B", b=1)]}, {}],
        "moments": {"start": datetime(2020, 1, 1, 12, 0, 0, 123456)},  # noqa: DTZ001 - without a zone on purpose
        "free": {
            "id": UUID("12345678123456781234567812345678"),
            "at": datetime(2020, 1, 1, tzinfo=UTC),
            "n": [1, None],
        },
    }
