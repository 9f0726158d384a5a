"""What a test asserts of captured spans."""

from collections.abc import Iterable
from typing import Any

from fastapi_factory_utilities.testing.telemetry.grammar import parse
from fastapi_factory_utilities.testing.telemetry.matching import difference
from fastapi_factory_utilities.testing.telemetry.records import record_of
from fastapi_factory_utilities.testing.telemetry.trees import draw, orphans_of, tell, trees_of

__all__ = ["assert_no_orphans", "assert_story", "objection"]

_MOST_SHOWN = 10
_NOTHING = (
    "no span was captured: is the plugin enabled with the capture among its sinks, is the sampler "
    "letting anything through, and has the work ended?"
)


def assert_story(spans: Iterable[Any], story: str, *, in_any_order: bool = False) -> None:
    """Assert that spans are the trees that a story tells, all of them and nothing else.

    ::

        assert_story(spans, "POST /books > insert books; publish * > process * > task")

    The grammar is in the docstring of `fastapi_factory_utilities.testing.telemetry.grammar`.

    Args:
        spans: The spans, of one trace or of several.
        story: The story.
        in_any_order: Whether spans beside one another may have begun in another order than told.

    Raises:
        AssertionError: They are not; the message draws what they are, and tells it as a story.
        StoryError: The story is not written as its grammar wants.
    """
    message = objection(spans, story, in_any_order=in_any_order)
    if message is not None:
        raise AssertionError(message)


def objection(spans: Iterable[Any], story: str, *, in_any_order: bool = False) -> str | None:
    """Say how spans differ from a story, in the words of `assert_story`; `None` when they do not.

    Raises:
        StoryError: The story is not written as its grammar wants.
    """
    told = parse(story)
    records = [record_of(span) for span in spans]
    gap = difference(told, trees_of(records), in_any_order=in_any_order)
    if gap is None:
        return None
    if not records:
        return f"the trace is not as its story tells: {_NOTHING}\n\nthe story:\n  {_flat(story)}"
    return (
        f"the trace is not as its story tells: {gap}\n\n"
        f"the story:\n  {_flat(story)}\n\n"
        f"what there is:\n{_indented(draw(records))}\n\n"
        f"which as a story is:\n  {tell(records)}"
    )


def assert_no_orphans(spans: Iterable[Any], *, callers: Iterable[str] = ()) -> None:
    """Assert that the parent of every span is there as well.

    Args:
        spans: All that were captured, in every process.
        callers: The span ids of parents that are rightly elsewhere: what the test itself sent in `traceparent`.

    Raises:
        AssertionError: Some are missing; the message names the children and draws their traces.
    """
    records = [record_of(span) for span in spans]
    orphans = orphans_of(records, callers=callers)
    if not orphans:
        return
    lines = [
        f"  {span.name}  ({span.kind.name.lower()}) of trace {span.trace_id}: its parent {span.parent_id}"
        f"{', which is in another process,' if span.parent_is_remote else ''} was never captured"
        for span in orphans[:_MOST_SHOWN]
    ]
    if len(orphans) > _MOST_SHOWN:
        lines.append(f"  and {len(orphans) - _MOST_SHOWN} more")
    first = orphans[0].trace_id
    raise AssertionError(
        f"{len(orphans)} of {len(records)} spans are orphans\n\n"
        + "\n".join(lines)
        + f"\n\nall of trace {first}:\n"
        + _indented(draw(span for span in records if span.trace_id == first))
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _flat(story: str) -> str:
    return " ".join(story.split())
