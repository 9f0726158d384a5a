"""Hypothesis is synchronous, and what it is thrown at is not: it runs in a thread of its own."""

from collections.abc import Callable, Coroutine
from typing import Any

from anyio import from_thread, to_thread
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

__all__ = ["throw"]


async def throw[T](
    strategy: st.SearchStrategy[T], at: Callable[[T], Coroutine[Any, Any, None]], how: settings, *known: T
) -> None:
    """Try many examples on the test's own event loop; fail with the simplest that fails.

    Args:
        strategy: What is tried.
        at: What it is tried on.
        how: How often.
        *known: What is tried each time: what has once been a fault.
    """

    def try_one(thrown: Any) -> None:
        note(f"{thrown!r:.5000}")
        from_thread.run(at, thrown)

    test = how(given(strategy)(try_one))
    for each in known:
        test = example(each)(test)
    await to_thread.run_sync(test)
