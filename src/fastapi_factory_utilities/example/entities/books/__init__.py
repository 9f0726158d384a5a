"""Books."""

from fastapi_factory_utilities.example.entities.books.entity import Author, BookEntity, Title
from fastapi_factory_utilities.example.entities.books.index import IndexEntry

__all__ = ["Author", "BookEntity", "IndexEntry", "Title"]
