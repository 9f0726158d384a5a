"""`trace_span`: a span around a function or a block, wherever one has no `Telemetry` at hand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, cast, overload

from fastapi_factory_utilities.core.telemetry.spans import AttributeValue, Span, SpanKind, SpanScope
from fastapi_factory_utilities.core.telemetry.telemetry import NO_TELEMETRY, Telemetry

__all__ = ["TraceSpan", "running_telemetry", "trace_span"]

_running: tuple[Telemetry, ...] = ()


@contextmanager
def running_telemetry(telemetry: Telemetry) -> Iterator[None]:
    """Let `trace_span` find an application's telemetry for as long as the body lasts."""
    global _running  # noqa: PLW0603 - replaced as a whole: threads see the old tuple or the new one
    _running = (*_running, telemetry)
    try:
        yield
    finally:
        _running = tuple(each for each in _running if each is not telemetry)


def _telemetry() -> Telemetry:
    """Find the telemetry of the application whose span is the current one; outside of any, of the one started last."""
    running = _running
    if len(running) > 1:
        for telemetry in running:
            if telemetry.owns_current():
                return telemetry
    return running[-1] if running else NO_TELEMETRY


class TraceSpan:
    """What `trace_span(...)` returns: a context manager of either kind, and a decorator."""

    __slots__ = ("_attributes", "_kind", "_name", "_scope")

    _scope: SpanScope

    def __init__(self, name: str | None, kind: SpanKind, attributes: Mapping[str, AttributeValue] | None) -> None:
        self._name = name
        self._kind = kind
        self._attributes = attributes

    def __enter__(self) -> Span:
        """Begin the span, and make it the current one."""
        self._scope = _telemetry().span(self._name or "trace_span", self._kind, self._attributes)
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """End it; an exception fails it."""
        self._scope.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Span:
        """Begin the span, and make it the current one."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """End it; an exception fails it."""
        self.__exit__(kind, error, traceback)

    def __call__[FunctionT: Callable[..., Any]](self, function: FunctionT) -> FunctionT:
        """Put a span around every call of a function.

        Raises:
            TypeError: It is a generator, whose parts run in whatever context its caller has.
        """
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"trace_span cannot go around the generator {function.__qualname__}: use `with trace_span(...)` inside "
                "of it, around what does not yield"
            )
        own_name = getattr(function, "__qualname__", type(function).__qualname__)  # an object may be callable, too
        name, kind = self._name or own_name, self._kind
        attributes = {"code.function.name": f"{function.__module__}.{own_name}", **(self._attributes or {})}

        if iscoroutinefunction(function):

            @wraps(function)
            async def traced_coroutine(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they come
                with _telemetry().span(name, kind, attributes):
                    return await function(*args, **kwargs)

            return cast("FunctionT", traced_coroutine)  # it has the same signature

        @wraps(function)
        def traced(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they come
            with _telemetry().span(name, kind, attributes):
                return function(*args, **kwargs)

        return cast("FunctionT", traced)  # it has the same signature


@overload
def trace_span[FunctionT: Callable[..., Any]](name: FunctionT, /) -> FunctionT: ...


@overload
def trace_span(
    name: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> TraceSpan: ...


def trace_span(
    name: Any = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Any:
    """Put a span around functions, coroutine functions and blocks; does nothing where there is no telemetry.

    ::

        @trace_span
        async def price(order: Order) -> Money: ...


        with trace_span("load rules", attributes={"rules.count": 3}) as span:
            span.set_attribute("rules.found", 2)

    An exception fails the span, with its message masked; to be cancelled does not.

    Args:
        name: The span's name, of few different values; by default the function's.
        kind: Its role between services.
        attributes: What is known before.

    Returns:
        A decorator that is a context manager as well, for `with` and `async with`.

    Raises:
        TypeError: It was put above `@classmethod`, or around a generator.
    """
    if callable(name):
        return TraceSpan(None, kind, attributes)(name)
    if name is not None and not isinstance(name, str):
        raise TypeError(
            f"trace_span takes a function or a name, not a {type(name).__name__}: put it below @classmethod"
        )
    return TraceSpan(name, kind, attributes)
