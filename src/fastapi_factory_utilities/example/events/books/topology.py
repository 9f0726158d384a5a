"""Where messages about books go; the plugin declares it on the broker."""

from typing import Final

from fastapi_factory_utilities.core.plugins.aiopika import Exchange, Queue

__all__ = ["BOOKS", "BOOKS_TO_INDEX"]

BOOKS: Final = Exchange("books", "topic")
BOOKS_TO_INDEX: Final = Queue("books.to-index", BOOKS, "book.*")
