"""Texts of values and exceptions that may be long, broken, or telling too much."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi_factory_utilities.core.redaction import redact

__all__ = ["cut", "message_of", "text_of", "type_of"]

_ERRORS_LIMIT: Final = 20  # of one validation error
_VALIDATING: Final = frozenset({"pydantic", "pydantic_core", "fastapi"})


def cut(text: str, limit: int) -> str:
    """Shorten a text that is too long, telling by how much; secrets are masked first, so that no half of one stays."""
    if len(text) <= limit:
        return text
    shown = redact(text[: 2 * limit])[:limit]
    return f"{shown}...<{len(text) - limit} more characters>"


def text_of(value: Any) -> str:  # noqa: ANN401 - that is the point
    """Call `str` on something that may be broken."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - whatever a foreign __str__ raises, the log goes on
        return f"<{type(value).__name__}, and its __str__ raised {type(error).__name__}>"


def type_of(error: BaseException) -> str:
    """Name an exception's type as Python does: `ValueError`, `my_service.books.BookGone`."""
    kind = type(error)
    return (
        kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}.{kind.__qualname__}"
    )


def message_of(error: BaseException) -> str:
    """Give an exception's message; of a validation error the places and reasons only, for it quotes its input."""
    if type(error).__module__.partition(".")[0] in _VALIDATING:
        try:
            found = error.errors()  # type: ignore[attr-defined] # if it has none, that is the except clause's case
            return f"{len(found)} validation errors: {'; '.join(_mistakes(found))}"
        except Exception:  # noqa: BLE001 - not a validation error, or a broken one
            return text_of(error)
    return text_of(error)


def _mistakes(errors: Iterable[Any]) -> Iterable[str]:
    for index, error in enumerate(errors):
        if index == _ERRORS_LIMIT:
            yield "..."
            return
        place = ".".join(str(part) for part in error["loc"])
        yield f"{place}: {error['msg']}" if place else str(error["msg"])
