"""How the index is kept."""

from typing import Annotated

from beanie import Indexed

from fastapi_factory_utilities.core.plugins.odm_plugin import AbstractRepository, BaseDocument
from fastapi_factory_utilities.example.entities.books import IndexEntry

__all__ = ["IndexDocument", "IndexRepository"]


class IndexDocument(BaseDocument):
    """The words of a book in the collection `book_index`; MongoDB indexes each of them."""

    words: Annotated[list[str], Indexed()]

    class Settings(BaseDocument.Settings):
        """Where it is kept."""

        name = "book_index"


class IndexRepository(AbstractRepository[IndexDocument, IndexEntry]):
    """Keeps the index in MongoDB."""
