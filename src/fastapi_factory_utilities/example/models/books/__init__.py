"""How books are kept in MongoDB."""

from fastapi_factory_utilities.example.models.books.document import BookDocument
from fastapi_factory_utilities.example.models.books.index import IndexDocument, IndexRepository
from fastapi_factory_utilities.example.models.books.repository import BookRepository

__all__ = ["BookDocument", "BookRepository", "IndexDocument", "IndexRepository"]
