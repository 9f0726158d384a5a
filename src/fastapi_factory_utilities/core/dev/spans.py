"""Ended spans: how they get here, and how they are shown. Nothing here imports OpenTelemetry."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.dev.store import Store, Work
from fastapi_factory_utilities.core.logs.messages import cut
from fastapi_factory_utilities.core.logs.values import plain
from fastapi_factory_utilities.core.redaction import redact
from fastapi_factory_utilities.core.telemetry import SpanKind

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.dev.readable import ReadableSpan

__all__ = ["RememberSpans", "span_rows"]

_TEXT_LIMIT: Final = 8_000  # the end of a stack trace is its better part
_EVENTS: Final = 20
_LINKS: Final = 20
_NANOSECONDS: Final = 1e9
_WORK: Final = {"consumer": "message", "internal": "job"}


class RememberSpans:
    """A sink that remembers ended spans; those that messages, tasks and jobs began are units of work of their own.

    A call to a backend that nothing began, such as a look whether it answers, is forgotten: there is one every second.

    Args:
        store: Where to remember them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def on_end(self, span: "ReadableSpan") -> None:
        """Take one ended span."""
        kind = _kind(span)
        if kind == "client" and span.parent is None:
            return
        trace_id = f"{span.context.trace_id:032x}"
        self._store.add_span(trace_id, span)
        is_begin = span.parent is None or span.parent.is_remote
        if is_begin and kind in _WORK:  # requests are remembered by the layer that saw them come
            start = span.start_time or 0
            self._store.add(
                Work(
                    kind=_WORK[kind],
                    title=_text(span.name),
                    started_at=start / _NANOSECONDS,
                    seconds=((span.end_time or start) - start) / _NANOSECONDS,
                    failed=_is_error(span),
                    trace_id=trace_id,
                )
            )


def span_rows(spans: "Iterable[ReadableSpan]") -> list[dict[str, Any]]:
    """Describe spans as plain data, bounded, without secrets, in the order of their beginning."""
    return [_row(span) for span in sorted(spans, key=lambda span: span.start_time or 0)]


def _row(span: "ReadableSpan") -> dict[str, Any]:
    start = span.start_time or 0
    return {
        "id": f"{span.context.span_id:016x}",
        "parent": None if span.parent is None else f"{span.parent.span_id:016x}",
        "remote_parent": span.parent is not None and span.parent.is_remote,
        "name": _text(span.name),
        "kind": _kind(span),
        "at": start / _NANOSECONDS,
        "seconds": ((span.end_time or start) - start) / _NANOSECONDS,
        "error": _is_error(span),
        "description": _text(getattr(span.status, "description", None) or ""),
        "attributes": _facts(span.attributes),
        "events": [
            {"name": _text(event.name), "at": event.timestamp / _NANOSECONDS, "attributes": _facts(event.attributes)}
            for event in list(span.events)[:_EVENTS]
        ],
        "links": [
            {"trace": f"{link.context.trace_id:032x}", "span": f"{link.context.span_id:016x}"}
            for link in list(span.links)[:_LINKS]
        ],
    }


def _kind(span: "ReadableSpan") -> str:
    return SpanKind(getattr(span.kind, "value", span.kind)).name.lower()


def _is_error(span: "ReadableSpan") -> bool:
    code = getattr(span.status, "status_code", None)
    return getattr(code, "name", "") == "ERROR"


def _text(text: str) -> str:
    return redact(cut(text, _TEXT_LIMIT))


def _facts(attributes: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - plain data
    """Attributes as log lines have their facts: what is called a secret is masked as well as what is known as one."""
    shown = plain(dict(attributes or {}), redacting=True)
    return (
        {key: cut(value, _TEXT_LIMIT) if isinstance(value, str) else value for key, value in shown.items()}
        if (isinstance(shown, dict))
        else {}
    )
