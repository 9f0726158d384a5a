"""What is true around an event: values bound by `structlog.contextvars`, and whatever else somebody provides."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ContextProvider", "add_context_provider", "clear_context_providers", "surroundings"]

ContextProvider = Callable[[], Mapping[str, Any]]

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
    found: dict[str, Any] = {}
    bound = sys.modules.get("structlog.contextvars")  # nobody can have bound anything before it is imported
    if bound is not None:
        try:
            # structlog's own readers walk through every variable of the context, its and others'.
            for name, variable in tuple(bound._CONTEXT_VARS.items()):  # noqa: SLF001 - the public way stands below
                value = variable.get()
                if value is not ...:
                    found[name[10:]] = value
        except AttributeError:
            found = bound.get_contextvars()
    for provider in _providers:
        try:
            found.update(provider())
        except Exception as error:  # noqa: BLE001 - neither a line nor the request it tells of may fail for this
            found["context_error"] = type(error).__name__
    return found
