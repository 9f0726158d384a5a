"""`/api/v1/books`."""

from fastapi_factory_utilities.example.api.books.routes import books_router

__all__ = ["books_router"]
