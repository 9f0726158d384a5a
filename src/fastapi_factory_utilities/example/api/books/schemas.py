"""What goes over the wire."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from fastapi_factory_utilities.example.entities.books import Author, Title

__all__ = ["BookListResponse", "BookRequest", "BookResponse"]


class BookRequest(BaseModel):
    """A book as a client sends it."""

    title: Title
    author: Author | None = None
    published_on: date | None = None


class BookResponse(BaseModel):
    """A book as a client gets it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    author: str | None
    published_on: date | None
    created_at: datetime
    updated_at: datetime


class BookListResponse(BaseModel):
    """Some books, and how many they are."""

    books: list[BookResponse]
    size: int
