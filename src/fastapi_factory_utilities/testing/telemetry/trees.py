"""Spans put together again by who caused them, and drawn."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fastapi_factory_utilities.testing.telemetry.records import SpanRecord

__all__ = ["Tree", "draw", "orphans_of", "tell", "trees_of"]

_NOT_BARE = frozenset('>;()[]"')


@dataclass(slots=True)
class Tree:
    """A span with all that it caused.

    Attributes:
        span: The span.
        children: Those it is the parent of, by the time they began.
    """

    span: SpanRecord
    children: "list[Tree]" = field(default_factory=list)


def trees_of(spans: Iterable[SpanRecord]) -> list[Tree]:
    """Return the roots, by the time they began: spans whose parent is not among them."""
    trees = [Tree(span) for span in sorted(spans, key=lambda span: (span.start_ns, -span.end_ns))]
    by_id = {(tree.span.trace_id, tree.span.span_id): tree for tree in trees}
    roots: list[Tree] = []
    for tree in trees:
        parent = by_id.get((tree.span.trace_id, tree.span.parent_id or ""))
        (roots if parent is None or parent is tree else parent.children).append(tree)
    return roots


def orphans_of(spans: Iterable[SpanRecord], *, callers: Iterable[str] = ()) -> list[SpanRecord]:
    """Return the spans whose parent is missing.

    Args:
        spans: All that were captured.
        callers: The ids of parents that are rightly elsewhere: what the test itself sent as `traceparent`.
    """
    spans = list(spans)
    known = {(span.trace_id, span.span_id) for span in spans}
    elsewhere = frozenset(callers)
    return [
        span
        for span in spans
        if span.parent_id is not None
        and (span.trace_id, span.parent_id) not in known
        and span.parent_id not in elsewhere
    ]


def draw(spans: Iterable[SpanRecord]) -> str:
    """Draw the real trees, a line for each span: its name, kind, duration in milliseconds, and its error."""
    return "\n".join(line for root in trees_of(spans) for line in _lines(root, "", ""))


def tell(spans: Iterable[SpanRecord]) -> str:
    """Tell the real trees as the story that fits them."""
    return _told(trees_of(spans))


def _lines(tree: Tree, first: str, further: str) -> Iterator[str]:
    span = tree.span
    error = f", error {span.attributes.get('error.type', '')}".rstrip() if span.status == "error" else ""
    yield f"{first}{span.name}  ({span.kind.name.lower()}, {span.duration_ms:.1f} ms{error})"
    for child in tree.children:
        last = child is tree.children[-1]
        yield from _lines(child, further + ("└─ " if last else "├─ "), further + ("   " if last else "│  "))


def _told(trees: list[Tree]) -> str:
    return "; ".join(
        f"({_branch(tree)})" if tree.children and tree is not trees[-1] else _branch(tree) for tree in trees
    )


def _branch(tree: Tree) -> str:
    name = tree.span.name
    bare = not _NOT_BARE.intersection(name) and name == " ".join(name.split()) and name not in {"", "..."}
    told = name if bare else f'"{name}"'
    return f"{told} > {_told(tree.children)}" if tree.children else told
