"""What happens to books."""

from fastapi_factory_utilities.example.events.books.messages import (
    BOOK_ADDED,
    BOOK_DELETED,
    BOOK_REPLACED,
    BookEvent,
    BookMessage,
)
from fastapi_factory_utilities.example.events.books.topology import BOOKS, BOOKS_TO_INDEX

__all__ = ["BOOKS", "BOOKS_TO_INDEX", "BOOK_ADDED", "BOOK_DELETED", "BOOK_REPLACED", "BookEvent", "BookMessage"]
