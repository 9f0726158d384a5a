"""The routes: they translate between HTTP and the service, and do nothing else."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from fastapi_factory_utilities.example.api.books.schemas import BookListResponse, BookRequest, BookResponse
from fastapi_factory_utilities.example.services.books import Books, Search

__all__ = ["books_router"]

books_router: APIRouter = APIRouter(prefix="/books", tags=["books"])


@books_router.get("")
async def list_books(
    books: Books,
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BookListResponse:
    """List books by title."""
    found = [BookResponse.model_validate(book) for book in await books.list(skip=skip, limit=limit)]
    return BookListResponse(books=found, size=len(found))


@books_router.get("/search")
async def search_books(
    search: Search,
    words: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BookListResponse:
    """Find books by words of their title and author; one that was added this moment is found in the next."""
    found = [BookResponse.model_validate(book) for book in await search.find(words, limit=limit)]
    return BookListResponse(books=found, size=len(found))


@books_router.post("", status_code=status.HTTP_201_CREATED)
async def add_book(books: Books, request: BookRequest, response: Response) -> BookResponse:
    """Add a book; its title must be new."""
    book = await books.add(title=request.title, author=request.author, published_on=request.published_on)
    response.headers["Location"] = f"/api/v1/books/{book.id}"
    return BookResponse.model_validate(book)


@books_router.get("/{book_id}")
async def get_book(books: Books, book_id: UUID) -> BookResponse:
    """Get one book."""
    return BookResponse.model_validate(await books.get(book_id))


@books_router.put("/{book_id}")
async def replace_book(books: Books, book_id: UUID, request: BookRequest) -> BookResponse:
    """Replace a book's content; its title must not be another book's."""
    book = await books.replace(book_id, title=request.title, author=request.author, published_on=request.published_on)
    return BookResponse.model_validate(book)


@books_router.delete("/{book_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_book(books: Books, book_id: UUID) -> None:
    """Delete a book."""
    await books.delete(book_id)
