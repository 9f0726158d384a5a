"""What a generic class was parameterised with, also through classes between."""

from typing import Any, TypeVar, get_args, get_origin

__all__ = ["type_arguments"]


def type_arguments(kind: Any, generic: Any) -> tuple[Any, ...]:  # noqa: ANN401 - classes, or ones with parameters
    """Return what `generic`'s parameters are for a class that derives from it; type variables where nobody said.

    Args:
        kind: A class such as `class Books(AbstractRepository[BookDocument, BookEntity])`, or the parameterised
            `AbstractRepository[BookDocument, BookEntity]` itself.
        generic: The class whose parameters are meant, such as `AbstractRepository`.
    """
    parameters: tuple[Any, ...] = generic.__parameters__
    origin = get_origin(kind) or kind
    given = get_args(kind)
    if origin is generic:
        return given or parameters
    parents = vars(origin).get("__orig_bases__", ()) + origin.__bases__
    for parent in parents:
        if issubclass(get_origin(parent) or parent, generic):
            found = type_arguments(parent, generic)
            if found != parameters:
                known = dict(zip(origin.__parameters__, given, strict=False)) if given else {}
                return tuple(known.get(item, item) if isinstance(item, TypeVar) else item for item in found)
    return parameters
