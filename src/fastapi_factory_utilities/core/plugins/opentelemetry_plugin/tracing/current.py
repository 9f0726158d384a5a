"""The current span: the one in OpenTelemetry's context, where everybody else's instrumentation finds it."""

from contextvars import ContextVar, Token
from typing import Any, Final, Protocol

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Identified

# isort: split
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

__all__ = ["attach_span", "current_context", "current_span", "detach_span", "holds_more_than_a_span"]


class _Variable(Protocol):
    """The part of a `ContextVar` that is used here."""

    def get(self) -> Context: ...

    def set(self, value: Context, /) -> Token[Context]: ...

    def reset(self, token: Token[Context], /) -> None: ...


class _SomeRuntimeContext:
    """OpenTelemetry's context, wherever `OTEL_PYTHON_CONTEXT` makes it live."""

    get = staticmethod(get_current)
    set = staticmethod(attach)
    reset = staticmethod(detach)


def _find_variable() -> _Variable:
    """Return the variable that OpenTelemetry keeps its context in: to use it directly costs half."""
    token: object = attach(get_current())
    if isinstance(token, Token) and isinstance(token.var, ContextVar):
        variable: ContextVar[Context] = token.var
        variable.reset(token)
        return variable
    return _SomeRuntimeContext()


# Its name is OpenTelemetry's own business; this is the public way to learn it.
(_KEY,) = set_span_in_context(INVALID_SPAN, Context())
_put: Final = dict.__setitem__  # a context refuses to be changed by others
_variable: Final = _find_variable()
_set: Final = _variable.set
_reset: Final = _variable.reset
current_context: Final = _variable.get


def current_span() -> Any:  # noqa: ANN401 - whatever somebody put there
    """Return the current span, of whatever library, or `None`."""
    return current_context().get(_KEY)


def holds_more_than_a_span(context: Context) -> bool:
    """Say whether there may be baggage in a context; most hold nothing but a span."""
    return len(context) > (1 if _KEY in context else 0)


def attach_span(span: Span | Identified, base: Context | None = None) -> Token[Context]:
    """Make a span the current one.

    Args:
        span: The span.
        base: What else is current; by default what is now.

    Returns:
        What `detach_span` needs.
    """
    context = Context(current_context() if base is None else base)
    _put(context, _KEY, span)
    return _set(context)


def detach_span(token: Token[Context]) -> None:
    """Make the previous span the current one again.

    In a context other than the one in which it was attached, as when a generator is closed by somebody else, there is
    nothing to go back to and nothing is done.
    """
    try:
        _reset(token)
    except (ValueError, RuntimeError):  # another context's; used already
        return
