"""Indexing a book."""

from uuid import UUID

from fastapi_factory_utilities.core.plugins.taskiq_plugins import injected, task
from fastapi_factory_utilities.example.services.books.search import Search

__all__ = ["index_book"]


@task("index_book")
async def index_book(book_id: UUID, search: Search = injected) -> None:
    """Make a book findable by its words, as it is now; one that is gone is forgotten.

    It may run twice for one book, after a crash for example: the second time changes nothing.
    """
    await search.index(book_id)
