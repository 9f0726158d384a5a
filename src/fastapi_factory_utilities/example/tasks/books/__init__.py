"""What the service does with books in the background."""

from fastapi_factory_utilities.example.tasks.books.indexing import index_book
from fastapi_factory_utilities.example.tasks.books.reporting import report_books

__all__ = ["index_book", "report_books"]
