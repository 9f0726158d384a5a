"""Whether a document class says anything about values that the entity does not say as well."""

from typing import Any
from uuid import UUID

from beanie.odm.fields import IndexedAnnotation
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument

__all__ = ["says_the_same"]

# What a model's configuration may say without any effect on the values of a document that is written and read here.
_WITHOUT_EFFECT = frozenset(
    {
        "alias_generator",  # the fields' aliases are known
        "arbitrary_types_allowed",
        "from_attributes",
        "frozen",
        "json_encoders",
        "json_schema_extra",
        "populate_by_name",
        "protected_namespaces",
        "title",
        "use_attribute_docstrings",
        "validate_assignment",
        "validate_by_alias",
        "validate_by_name",
    }
)


def says_the_same(document: type[BaseDocument], entity: type[BaseModel]) -> bool:
    """Whether an entity that is valid makes a document that is valid, value by value, and the other way round.

    `False` when in doubt: then values go through the document class.
    """
    return (
        not document.get_link_fields()
        and not getattr(document, "_inheritance_inited", False)
        and document.get_settings().union_doc is None
        and not _has_code(document)
        and _same_config(document, entity)
        and _distinct_keys(document)
        and all(_same_field(name, field, entity) for name, field in document.model_fields.items())
    )


def _has_code(document: type[BaseDocument]) -> bool:
    """Whether the class or one of its parents below `BaseDocument` has validators or makes its instances itself."""
    own: Any = document.__pydantic_decorators__
    base: Any = BaseDocument.__pydantic_decorators__
    kinds = ("validators", "field_validators", "root_validators", "model_validators")
    if any(getattr(own, kind, {}).keys() - getattr(base, kind, {}).keys() for kind in kinds):
        return True
    below = document.__mro__[: document.__mro__.index(BaseDocument)]
    return any(
        getattr(vars(parent).get(method), "__module__", "pydantic").split(".")[0] != "pydantic"
        for parent in below
        for method in ("__init__", "model_post_init")
    )


def _same_config(document: type[BaseDocument], entity: type[BaseModel]) -> bool:
    base = BaseDocument.model_config
    return all(
        name in _WITHOUT_EFFECT or value == base.get(name) or value == entity.model_config.get(name)
        for name, value in document.model_config.items()
    )


def _distinct_keys(document: type[BaseDocument]) -> bool:
    """Whether no field's key is another field's name, so that keys can be renamed one by one."""
    keys = {name: field.alias or name for name, field in document.model_fields.items()}
    return len(set(keys.values())) == len(keys) and not any(key != name and key in keys for name, key in keys.items())


def _same_field(name: str, field: FieldInfo, entity: type[BaseModel]) -> bool:
    base = BaseDocument.model_fields.get(name)
    other = entity.model_fields.get(name)
    if base is not None and field.annotation == base.annotation and field.metadata == base.metadata:
        # The repository sets these four itself, but takes the id from the entity.
        return other is None or name not in ("id", "revision_id") or _is_uuid(other.annotation)
    if field.exclude is True:
        return True  # not stored
    return (
        other is not None
        and field.annotation == other.annotation
        and field.discriminator == other.discriminator
        and all(isinstance(item, IndexedAnnotation) or item in other.metadata for item in field.metadata)
    )


def _is_uuid(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return annotation in (UUID, UUID | None) or getattr(annotation, "__supertype__", None) is UUID
