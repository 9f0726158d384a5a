"""What is true around an event: a request's ids, values bound by `structlog.contextvars`, and what else is provided."""

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

__all__ = ["REQUEST_IDS", "ContextProvider", "add_context_provider", "clear_context_providers", "surroundings"]

ContextProvider = Callable[[], Mapping[str, Any]]

REQUEST_IDS: Final[ContextVar[Mapping[str, str]]] = ContextVar("request_ids", default=MappingProxyType({}))
"""The ids of the request that is being served, for each of its lines; whatever else is bound wins over them."""

_providers: tuple[ContextProvider, ...] = ()


def add_context_provider(provider: ContextProvider) -> Callable[[], None]:
    """Add keys to every line from now on, access lines included, such as the ids of the current trace.

    Args:
        provider: Called for every line, in the thread and context of the event: make it cheap.

    Returns:
        A function that takes the provider out again.
    """
    global _providers  # noqa: PLW0603 - replaced as a whole: threads see the old tuple or the new one
    _providers = (*_providers, provider)

    def remove() -> None:
        global _providers  # noqa: PLW0603 - see above
        _providers = tuple(each for each in _providers if each is not provider)

    return remove


def clear_context_providers() -> None:
    """Take all providers out."""
    global _providers  # noqa: PLW0603 - see above
    _providers = ()


def surroundings() -> dict[str, Any]:
    """Collect the keys that are bound around the current event."""
    found: dict[str, Any] = {**REQUEST_IDS.get()}
    bound = sys.modules.get("structlog.contextvars")  # nobody can have bound anything before it is imported
    if bound is not None:
        try:
            # structlog's own readers walk through every variable of the context, its and others'.
            for name, variable in tuple(bound._CONTEXT_VARS.items()):  # noqa: SLF001 - the public way stands below
                value = variable.get()
                if value is not ...:
                    found[name[10:]] = value
        except AttributeError:
            found |= bound.get_contextvars()
    for provider in _providers:
        try:
            found.update(provider())
        except Exception as error:  # noqa: BLE001 - neither a line nor the request it tells of may fail for this
            found["context_error"] = type(error).__name__
    return found
