"""What can be done with books."""

from fastapi_factory_utilities.example.services.books.search import BookSearch, Search
from fastapi_factory_utilities.example.services.books.service import Books, BookService

__all__ = ["BookSearch", "BookService", "Books", "Search"]
