"""The HTTP face of the Books service."""

from fastapi import APIRouter

from fastapi_factory_utilities.example.api.books import books_router

__all__ = ["router"]

router: APIRouter = APIRouter(prefix="/api/v1")
router.include_router(books_router)
