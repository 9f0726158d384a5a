"""Which model a service was parameterised with."""

from typing import Any

from fastapi_factory_utilities.core.generics import type_arguments

__all__ = ["model_of"]


def model_of(service: object, generic: type, default: type) -> Any:  # noqa: ANN401 - a class that its caller knows
    """Return the model of a service, however it got it: `Generic[Model](...)`, or `class Mine(Generic[Model])`.

    Args:
        service: The service.
        generic: The class whose parameter is meant.
        default: What it is if nobody said.
    """
    # The first form is told which only when it has been made, so this is asked when the first answer is there.
    (found,) = type_arguments(getattr(service, "__orig_class__", type(service)), generic)
    return default if hasattr(found, "__bound__") else found
