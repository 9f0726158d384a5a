"""Books."""

from fastapi_factory_utilities.example.entities.books.entity import Author, BookEntity, Title

__all__ = ["Author", "BookEntity", "Title"]
