"""The repository of books."""

from fastapi_factory_utilities.core.plugins.odm_plugin import AbstractRepository
from fastapi_factory_utilities.example.entities.books import BookEntity
from fastapi_factory_utilities.example.models.books.document import BookDocument

__all__ = ["BookRepository"]


class BookRepository(AbstractRepository[BookDocument, BookEntity]):
    """Keeps books in MongoDB."""
