"""The messages, and the routing keys that say what happened."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fastapi_factory_utilities.core.plugins.aiopika import GenericMessage

__all__ = ["BOOK_ADDED", "BOOK_DELETED", "BOOK_REPLACED", "BookEvent", "BookMessage"]

BOOK_ADDED: Final = "book.added"
BOOK_REPLACED: Final = "book.replaced"
BOOK_DELETED: Final = "book.deleted"


class BookEvent(BaseModel):
    """Something happened to a book; who wants to know more asks for the book."""

    book_id: UUID


class BookMessage(GenericMessage[BookEvent]):
    """Carries it."""
