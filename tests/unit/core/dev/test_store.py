"""What is remembered, and that it is bounded."""

from fastapi_factory_utilities.core.dev import store as module
from fastapi_factory_utilities.core.dev.store import Line, Store, Work


def line(event: str = "event") -> Line:
    return Line(0.0, "info", "test", event, {})


def test_only_the_last_requests_are_kept_and_numbers_go_on() -> None:
    store = Store()
    for _ in range(module.REQUESTS + 3):
        store.add(Work("request", "/"))
    assert [work.number for work in store.works][::199] == [4, 203]
    assert store.find(1) is None


def test_a_trace_that_never_ends_does_not_grow_for_ever_and_says_what_is_missing() -> None:
    store = Store()
    for _ in range(module.SPANS_OF_A_TRACE + 2):
        store.add_span("a", object())
    for _ in range(module.LINES_OF_A_TRACE + 3):
        store.add_line("a", line())
    trace = store.trace("a")
    assert (len(trace.spans), trace.more_spans) == (module.SPANS_OF_A_TRACE, 2)
    assert (len(trace.lines), trace.more_lines) == (module.LINES_OF_A_TRACE, 3)


def test_traces_that_were_idle_the_longest_are_forgotten_first() -> None:
    store = Store()
    for number in range(450):
        store.add_line(f"{number}", line())
        store.add_line("busy", line())
    assert len(store.trace("busy").lines) == module.LINES_OF_A_TRACE
    assert store.trace("449").lines
    assert not store.trace("0").lines


def test_all_traces_together_are_bounded() -> None:
    store = Store()
    for trace in range(100):
        for _ in range(200):
            store.add_line(f"{trace}", line())
            store.add_span(f"{trace}", object())
    assert sum(len(store.trace(f"{trace}").lines) for trace in range(100)) <= 5_000
    assert sum(len(store.trace(f"{trace}").spans) for trace in range(100)) <= 10_000


def test_the_version_grows_with_every_change() -> None:
    store = Store()
    versions = [store.version]
    store.add(Work("request", "/"))
    versions.append(store.version)
    store.changed()
    versions.append(store.version)
    store.add_line("a", line())
    versions.append(store.version)
    assert versions == [0, 1, 2, 3]
