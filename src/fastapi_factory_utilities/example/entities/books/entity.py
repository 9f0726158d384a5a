"""The book."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from fastapi_factory_utilities.core.plugins.odm_plugin import PersistedEntity

__all__ = ["Author", "BookEntity", "Title"]

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Author = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class BookEntity(PersistedEntity):
    """A book; no two have the same title."""

    title: Title
    author: Author | None = None
    published_on: date | None = None
