"""Finding books by the words of their titles and authors."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.odm_plugin import Database
from fastapi_factory_utilities.example.entities.books import BookEntity, IndexEntry
from fastapi_factory_utilities.example.models.books import BookRepository, IndexRepository

__all__ = ["BookSearch", "Search", "depends_book_search"]

_WORD = re.compile(r"\w+")


class BookSearch:
    """Keeps an index of words, and finds books by it.

    Args:
        books: The books.
        index: Their words.
    """

    def __init__(self, books: BookRepository, index: IndexRepository) -> None:
        self._books = books
        self._index = index

    async def index(self, book_id: UUID) -> None:
        """Note the words of a book as it is now, or forget those of a book that is gone."""
        book = await self._books.get_one_by_id(book_id)
        if book is None:
            await self._index.delete_one_by_id(book_id)
        else:
            await self._index.upsert(IndexEntry(id=book.id, words=_words(f"{book.title} {book.author or ''}")))

    async def find(self, text: str, *, limit: int) -> list[BookEntity]:
        """Return books that have all words of a text, by title; those of the last moment may be missing."""
        words = _words(text)
        if not words:
            return []
        entries = await self._index.find({"words": {"$all": words}}, limit=limit)
        return await self._books.find({"_id": {"$in": [entry.id for entry in entries]}}, sort="title")

    async def count(self) -> tuple[int, int]:
        """Return how many books there are, and how many are in the index."""
        return await self._books.count(), await self._index.count()


def _words(text: str) -> list[str]:
    return sorted(set(_WORD.findall(text.casefold())))


async def depends_book_search(database: Database) -> BookSearch:
    """Make the search for one request, message or task."""
    return BookSearch(BookRepository(database), IndexRepository(database))


Search = Annotated[BookSearch, Depends(depends_book_search)]
