"""What a book is found by."""

from fastapi_factory_utilities.core.plugins.odm_plugin import PersistedEntity

__all__ = ["IndexEntry"]


class IndexEntry(PersistedEntity):
    """The words of one book, under the book's id."""

    words: list[str]
