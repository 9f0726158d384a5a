"""Trace stories: what fits, what does not, and what is said about it."""

import asyncio
import re

import pytest

from fastapi_factory_utilities.core.telemetry import SpanKind
from fastapi_factory_utilities.testing.telemetry import (
    SpanCapture,
    SpanRecord,
    StoryError,
    assert_no_orphans,
    assert_story,
    draw,
    tell,
)


def span(name: str, number: int, parent: int | None = None, **more: object) -> SpanRecord:
    """A span of trace 1, which began at its number."""
    fields: dict[str, object] = {
        "trace_id": f"{1:032x}",
        "span_id": f"{number:016x}",
        "parent_id": None if parent is None else f"{parent:016x}",
        "start_ns": number * 1_000_000,
        "end_ns": number * 1_000_000 + 500_000,
        **more,
    }
    return SpanRecord(name, **fields)  # type: ignore[arg-type]  # the fields' types are the caller's to know


# As they end: those within before those around.
BOOKS = [
    span("insert books", 2, 1, kind=SpanKind.CLIENT, attributes={"db.system.name": "mongodb"}),
    span("publish books", 3, 1, kind=SpanKind.PRODUCER),
    span("POST /books", 1, kind=SpanKind.SERVER, attributes={"http.response.status_code": 201}),
    span("send welcome", 5, 4, status="error", attributes={"error.type": "TimeoutError"}),
    span("process books (anonymous)", 4, 3, kind=SpanKind.CONSUMER),
]
TOLD = 'POST /books > insert books; publish books > "process books (anonymous)" > send welcome'


@pytest.mark.parametrize(
    "story",
    [
        TOLD,
        "POST /books > (insert books; publish books > (process books * > send welcome))",
        "POST   /books\n  > insert *\n  ; publish * > * > *",
        "POST /books > ...",
        "...",
        "POST /books > ...; publish * > ...",
        "POST /books > insert books; ...",
        "POST /books > insert books; ...; publish * > ...; ...",
        "POST /books [kind=server, http.response.status_code=2*] > insert * [db.system.name=mongodb]; ...",
        "POST /books > ...; publish books [kind=producer] > process* > send* [status=error, error.type=Timeout*]",
    ],
)
def test_a_story_fits_the_trees_it_tells_in_whichever_order_they_ended(story: str) -> None:
    assert_story(BOOKS, story)
    assert_story(BOOKS, story, in_any_order=True)


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("POST /books > insert books", "'publish books' below 'POST /books' is not in the story"),
        ("POST /books", "'insert books' below 'POST /books' is not in the story"),
        ("POST /books > insert books; publish books; ...", "'process books (anonymous)' below 'publish books'"),
        ("POST /books > ...; update *", "'update *' is missing below 'POST /books'"),
        ("GET /books > ...", "'GET /books' is missing among the roots"),
        ("POST /books > ...; ...; publish * > * > * > *", "'*' is missing below 'send welcome'"),
        ("POST /books > (publish * > ...); insert books", "the spans below 'POST /books' began in another order"),
        ("POST /books > (publish * > ...); insert *; ...", "the spans below 'POST /books' began in another order"),
        ("POST /books > insert *; insert *; ...", "the spans below 'POST /books' began in another order"),
        ("POST /books > *; *; (* > ...)", "the story tells 3 spans below 'POST /books', there are 2"),
        ("POST /books > ...; ...; GET /books", "'GET /books' is missing"),
        ('"POST *" > ...', "'\"POST *\"' is missing among the roots"),
        (
            "POST /books [http.response.status_code=200] > ...",
            "'POST /books' has http.response.status_code=201, the story says 200",
        ),
        ("POST /books [http.route=*] > ...", "'POST /books' has no http.route"),
    ],
)
def test_a_story_that_does_not_fit_says_where(story: str, said: str) -> None:
    with pytest.raises(AssertionError) as raised:
        assert_story(BOOKS, story)
    assert said in str(raised.value)


def test_the_message_draws_what_there_is_and_tells_it_as_a_story() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_story(BOOKS, "POST /books")
    drawn = """\
  POST /books  (server, 0.5 ms)
  ├─ insert books  (client, 0.5 ms)
  └─ publish books  (producer, 0.5 ms)
     └─ process books (anonymous)  (consumer, 0.5 ms)
        └─ send welcome  (internal, 0.5 ms, error TimeoutError)"""
    assert drawn in str(raised.value)
    assert f"which as a story is:\n  {TOLD}" in str(raised.value)
    assert_story(BOOKS, tell(BOOKS))
    assert draw([]) == ""


def test_what_is_told_of_any_tree_fits_it() -> None:
    odd = [
        span("a > b", 1),
        span("c; d", 2, 1),
        span("(e)", 3, 2),
        span("...", 4, 1),
        span("f [g]", 5),
        span("two  spaces ", 6, 5),
        span("*", 7, 5),
    ]
    assert_story(odd, tell(odd))
    assert tell(odd) == '("a > b" > ("c; d" > "(e)"); "..."); "f [g]" > "two  spaces "; *'


def test_in_any_order_each_span_is_told_once() -> None:
    spans = [span("root", 1), span("get a", 2, 1), span("get b", 3, 1), span("get b", 4, 1)]
    assert_story(spans, "root > get b; get *; get b", in_any_order=True)
    assert_story(spans, "root > get b; ...", in_any_order=True)
    for story in ("root > get a; get a; ...", "root > get b; get b; get b", "root > get *; get *"):
        with pytest.raises(AssertionError):
            assert_story(spans, story, in_any_order=True)


def test_several_traces_are_several_roots() -> None:
    spans = [span("GET /a", 1), span("find", 2, 1), span("GET /b", 3, trace_id=f"{2:032x}")]
    assert_story(spans, "(GET /a > find); GET /b")
    with pytest.raises(AssertionError, match="'GET /b' is missing below 'GET /a'"):
        assert_story(spans, "GET /a > find; GET /b")


def test_without_any_span_the_message_says_what_may_be_wrong() -> None:
    with pytest.raises(AssertionError, match="no span was captured: is the plugin enabled"):
        assert_story([], "GET /")
    assert_story([], "...")


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("", "expected the name of a span"),
        ("a >", "expected the name of a span"),
        ("a > > b", "expected the name of a span"),
        ("a; ", "expected the name of a span"),
        ("(a", 'expected ")"'),
        ("a)", 'unexpected ")"'),
        ("(a) > b", "a group has nothing below it"),
        ("... > a", 'expected ">" or ";"'),
        ('a "b', "without its other half"),
        ("a [b]", "expected key=value"),
        ("a [b=c", "other half"),
        ("a [b=c] d", 'expected ">" or ";"'),
    ],
)
def test_a_story_that_is_not_written_well_says_where(story: str, said: str) -> None:
    with pytest.raises(StoryError, match=re.escape(said)):
        assert_story(BOOKS, story)


def test_the_mark_of_a_mistake_is_below_it() -> None:
    with pytest.raises(StoryError) as raised:
        assert_story(BOOKS, "POST /books > (insert books")
    assert str(raised.value).splitlines()[1:] == ["  POST /books > (insert books", "                             ^"]


def test_an_orphan_is_named_with_its_trace() -> None:
    assert_no_orphans(BOOKS)
    without = [found for found in BOOKS if found.name != "publish books"]
    with pytest.raises(AssertionError) as raised:
        assert_no_orphans(without)
    assert "1 of 4 spans are orphans" in str(raised.value)
    assert f"process books (anonymous)  (consumer) of trace {1:032x}: its parent {3:016x}" in str(raised.value)
    assert "POST /books  (server" in str(raised.value)


def test_a_parent_that_the_test_sent_is_not_missed() -> None:
    spans = [span("GET /", 2, 1, parent_is_remote=True)]
    assert_no_orphans(spans, callers=[f"{1:016x}"])
    with pytest.raises(AssertionError, match="which is in another process, was never captured"):
        assert_no_orphans(spans)


def test_the_parent_in_another_trace_is_no_parent() -> None:
    with pytest.raises(AssertionError, match="1 of 2 spans"):
        assert_no_orphans([span("a", 1), span("b", 2, 1, trace_id=f"{2:032x}")])


async def test_waiting_ends_as_soon_as_the_story_is_told() -> None:
    capture = SpanCapture()

    async def work() -> None:
        for ended in BOOKS:
            await asyncio.sleep(0.01)
            capture.on_end(ended)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work())
        await capture.story(TOLD)
    assert capture.one("send welcome").status == "error"
    capture.clear()
    assert capture.spans == []


async def test_waiting_in_vain_ends_with_what_there_is() -> None:
    capture = SpanCapture()
    capture.on_end(BOOKS[2])
    with pytest.raises(AssertionError, match=r"(?s)after 0.02 s .*'insert \*' is missing.*POST /books  \(server"):
        await capture.story("POST /books > insert *", within_seconds=0.02)
    with pytest.raises(AssertionError, match="there are 1 spans, not 2"):
        await capture.wait_for_spans(2, within_seconds=0.02)
    with pytest.raises(AssertionError, match="no span is like that"):
        await capture.wait_for_span(lambda found: found.name == "find", within_seconds=0.02)
    with pytest.raises(AssertionError, match="0 spans are called 'find', not one"):
        capture.one("find")
