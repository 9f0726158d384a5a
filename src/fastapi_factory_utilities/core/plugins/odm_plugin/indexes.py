"""The indexes that a document class asks for."""

from collections.abc import Iterator

from beanie import Document
from beanie.odm.fields import IndexModelField
from beanie.odm.utils.typing import get_index_attributes
from pymongo import IndexModel

__all__ = ["indexes_of"]


def indexes_of(document: type[Document]) -> list[IndexModel]:
    """Return the indexes of `Indexed()` fields and of `Settings.indexes`, the latter in place of equal ones.

    With `Settings.merge_indexes` those of the parent classes count too, as Beanie has it.
    """
    settings = document.get_settings()
    asked = [settings.indexes]
    if settings.merge_indexes:
        parents = [base for base in reversed(document.__mro__) if issubclass(base, Document) and base is not Document]
        asked = [base.get_settings().indexes for base in parents]
    found = list(_of_fields(document))
    for indexes in asked:
        found = IndexModelField.merge_indexes(found, indexes)
    return [index.index for index in found]


def _of_fields(document: type[Document]) -> Iterator[IndexModelField]:
    for name, field in document.model_fields.items():
        attributes = get_index_attributes(field)
        if attributes is not None:
            direction, options = attributes
            yield IndexModelField(IndexModel([(field.alias or name, direction)], **options))
