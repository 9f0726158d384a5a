"""The Books service itself: it knows books, and neither HTTP nor MongoDB nor RabbitMQ."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    Database,
    EntityNotFoundError,
    StaleRevisionError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import Outbox, OutboxTransaction, depends_outbox
from fastapi_factory_utilities.example.entities.books import BookEntity
from fastapi_factory_utilities.example.events.books import (
    BOOK_ADDED,
    BOOK_DELETED,
    BOOK_REPLACED,
    BOOKS,
    BookEvent,
    BookMessage,
)
from fastapi_factory_utilities.example.models.books import BookRepository
from fastapi_factory_utilities.example.services.books.errors import (
    BookChangedError,
    BookNotFoundError,
    TitleTakenError,
)

__all__ = ["BookService", "Books", "depends_book_service"]


class BookService:
    """Keeps books, and tells what happens to them: both or neither, whatever dies in between.

    Args:
        repository: Where they are kept.
        outbox: Where messages wait for the broker, in the transaction that changes the book.
    """

    def __init__(self, repository: BookRepository, outbox: Outbox) -> None:
        self._repository = repository
        self._outbox = outbox

    async def list(self, *, skip: int, limit: int) -> list[BookEntity]:
        """Return books by title."""
        return await self._repository.find(skip=skip, limit=limit, sort="title")

    async def add(self, *, title: str, author: str | None, published_on: date | None) -> BookEntity:
        """Add a book.

        Raises:
            TitleTakenError: Another book has this title.
        """
        book = BookEntity(title=title, author=author, published_on=published_on)

        async def insert(transaction: OutboxTransaction) -> BookEntity:
            await _tell(transaction, book.id, BOOK_ADDED)
            return await self._repository.insert(book, session=transaction.session)

        try:
            return await self._outbox.run(insert)
        except UnableToCreateEntityDueToDuplicateKeyError as error:
            raise TitleTakenError("Another book has this title.") from error

    async def get(self, book_id: UUID) -> BookEntity:
        """Return one book.

        Raises:
            BookNotFoundError: There is none.
        """
        book = await self._repository.get_one_by_id(book_id)
        if book is None:
            raise BookNotFoundError("There is no book with this id.")
        return book

    async def replace(self, book_id: UUID, *, title: str, author: str | None, published_on: date | None) -> BookEntity:
        """Replace a book's content.

        Raises:
            BookNotFoundError: There is none.
            BookChangedError: Somebody else changed it at the same moment.
            TitleTakenError: Another book has this title.
        """
        book = await self.get(book_id)
        changed = book.model_copy(update={"title": title, "author": author, "published_on": published_on})

        async def update(transaction: OutboxTransaction) -> BookEntity:
            await _tell(transaction, book.id, BOOK_REPLACED)
            return await self._repository.update(changed, session=transaction.session)

        try:
            return await self._outbox.run(update)
        except UnableToCreateEntityDueToDuplicateKeyError as error:
            raise TitleTakenError("Another book has this title.") from error
        except StaleRevisionError as error:
            raise BookChangedError("Somebody else changed this book: get it and try again.") from error
        except EntityNotFoundError as error:
            raise BookNotFoundError("There is no book with this id.") from error

    async def delete(self, book_id: UUID) -> None:
        """Delete a book.

        Raises:
            BookNotFoundError: There is none.
        """

        async def delete(transaction: OutboxTransaction) -> None:
            await _tell(transaction, book_id, BOOK_DELETED)
            await self._repository.delete_one_by_id(book_id, raise_if_not_found=True, session=transaction.session)

        try:
            await self._outbox.run(delete)
        except EntityNotFoundError as error:
            raise BookNotFoundError("There is no book with this id.") from error


async def _tell(transaction: OutboxTransaction, book_id: UUID, what: str) -> None:
    message = BookMessage(data=BookEvent(book_id=book_id))
    # What happened to one book is told in its order.
    await transaction.publish(message.to_outgoing(BOOKS, what), key=str(book_id))


async def depends_book_service(database: Database, outbox: Annotated[Outbox, Depends(depends_outbox)]) -> BookService:
    """Make the service for one request; it costs nothing, the connection is the plugin's."""
    return BookService(BookRepository(database), outbox)


Books = Annotated[BookService, Depends(depends_book_service)]
