"""The document of a book."""

from datetime import date
from typing import Annotated

from beanie import Indexed

from fastapi_factory_utilities.core.plugins.odm_plugin import BaseDocument

__all__ = ["BookDocument"]


class BookDocument(BaseDocument):
    """A book in the collection `books`; the unique index keeps titles apart."""

    title: Annotated[str, Indexed(unique=True)]
    author: str | None = None
    published_on: date | None = None

    class Settings(BaseDocument.Settings):
        """Where it is kept."""

        name = "books"
