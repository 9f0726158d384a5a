"""What can go wrong with books; over HTTP each is a problem of its own."""

from fastapi_factory_utilities.core.api import ProblemError

__all__ = ["BookChangedError", "BookNotFoundError", "TitleTakenError"]


class BookNotFoundError(ProblemError):
    """There is no such book."""

    status = 404
    title: str = "Book not found"


class TitleTakenError(ProblemError):
    """Another book has this title."""

    status = 409
    title: str = "Title taken"


class BookChangedError(ProblemError):
    """Somebody else changed the book at the same moment."""

    status = 409
    title: str = "Book changed meanwhile"
