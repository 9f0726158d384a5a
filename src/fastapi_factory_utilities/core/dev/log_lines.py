"""Log lines: each that belongs to a trace is remembered with it."""

from typing import Any, Final

from fastapi_factory_utilities.core.dev.store import Line, Store
from fastapi_factory_utilities.core.logs.context import surroundings
from fastapi_factory_utilities.core.logs.messages import cut, text_of
from fastapi_factory_utilities.core.logs.tracebacks import describe, exception_of
from fastapi_factory_utilities.core.logs.values import plain, redacted
from fastapi_factory_utilities.core.redaction import redact

__all__ = ["RememberLines"]

_TEXT_LIMIT: Final = 2_000
_FACTS: Final = 40
_ACCESS: Final = "access"  # says what the request itself says


class RememberLines:
    """Takes the events of the process, and keeps those that belong to a trace, without a secret in them.

    Args:
        store: Where to remember them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, created: float, level: str, name: str, event: object, entry: dict[str, Any]) -> None:
        """Take one event."""
        if name == _ACCESS:
            return
        everything = surroundings() | entry
        trace_id = everything.pop("trace_id", None)
        if isinstance(trace_id, str):
            text = redact(cut(text_of(event), _TEXT_LIMIT))
            self._store.add_line(trace_id, Line(created, level, name, text, _described(everything)))


def _described(entry: dict[str, Any]) -> dict[str, Any]:
    """Make the facts of a line plain, short and free of secrets; an exception is described under `exception`."""
    error = exception_of(entry.pop("exc_info", None))
    entry.pop("stack_info", None)
    shown = plain(dict(list(entry.items())[:_FACTS]), redacting=True)
    facts = {key: _short(value) for key, value in shown.items()} if isinstance(shown, dict) else {}
    if error is not None:
        facts["exception"] = redacted(describe(error))
    return facts


def _short(value: Any) -> Any:  # noqa: ANN401 - any plain value
    return cut(value, _TEXT_LIMIT) if isinstance(value, str) else value
