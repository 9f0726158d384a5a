import asyncio
from contextlib import suppress

from fastapi_factory_utilities.core.plugins import Work


def test_what_ends_after_the_drain_began_is_reported_as_finished_or_given_back() -> None:
    work = Work()
    with work.of("messages"):
        pass
    first, second, third = work.of("messages"), work.of("messages"), work.of("tasks")
    for unit in (first, second, third):
        unit.__enter__()
    work.begin_drain()
    first.__exit__(None, None, None)
    with suppress(asyncio.CancelledError):
        second.__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    assert work.in_flight("messages") == 0
    assert work.in_flight("tasks") == work.in_flight() == 1
    assert work.report() == {
        "messages": {"in_flight": 2, "finished": 1, "given_back": 1},
        "tasks": {"in_flight": 1, "finished": 0, "given_back": 1},
    }


def test_without_work_there_is_nothing_to_report() -> None:
    work = Work()
    with work.of("messages"):
        pass
    work.begin_drain()
    assert work.report() == {}
