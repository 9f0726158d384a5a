"""What the service does when it hears of books."""

from fastapi_factory_utilities.example.listeners.books.indexer import BookIndexer

__all__ = ["BookIndexer"]
