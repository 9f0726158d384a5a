"""Whatever keeps spans, as a test asks it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from fastapi_factory_utilities.testing.telemetry.asserting import assert_no_orphans, assert_story, objection
from fastapi_factory_utilities.testing.telemetry.records import SpanRecord
from fastapi_factory_utilities.testing.telemetry.trees import draw
from fastapi_factory_utilities.testing.telemetry.waiting import wait_until

__all__ = ["KeepsSpans"]


class KeepsSpans(ABC):
    """Spans that are coming in, and what a test asserts of them."""

    @property
    @abstractmethod
    def spans(self) -> list[SpanRecord]:
        """The spans so far, in the order in which they came."""

    @property
    @abstractmethod
    def span_count(self) -> int:
        """How many there are."""

    def named(self, name: str) -> list[SpanRecord]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> SpanRecord:
        """Return the only span of a name.

        Raises:
            AssertionError: There is none, or more than one.
        """
        found = self.named(name)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} spans are called {name!r}, not one:\n{self.draw()}")
        return found[0]

    def draw(self) -> str:
        """Draw the trees."""
        return draw(self.spans)

    def assert_story(self, story: str, *, in_any_order: bool = False) -> None:
        """Assert that the spans so far are the trees of a story; see `assert_story`."""
        assert_story(self.spans, story, in_any_order=in_any_order)

    def assert_no_orphans(self, *, callers: Iterable[str] = ()) -> None:
        """Assert that every span's parent came as well; see `assert_no_orphans`."""
        assert_no_orphans(self.spans, callers=callers)

    async def story(self, story: str, *, in_any_order: bool = False, within_seconds: float = 10.0) -> None:
        """Wait until the spans are the trees of a story: consumers, tasks and exports come later than the answer.

        Raises:
            AssertionError: They are not in time; the message draws what they are.
            StoryError: The story is not written as its grammar wants.
        """
        seen = -1

        def told() -> bool:
            nonlocal seen
            if self.span_count == seen:
                return False
            seen = self.span_count
            return objection(self.spans, story, in_any_order=in_any_order) is None

        await wait_until(
            told,
            within_seconds=within_seconds,
            otherwise=lambda: f"after {within_seconds:g} s "
            f"{objection(self.spans, story, in_any_order=in_any_order) or 'the story is told, too late'}",
        )

    async def wait_for_spans(self, count: int, *, within_seconds: float = 10.0) -> list[SpanRecord]:
        """Wait until there are so many spans, and return all there are.

        Raises:
            AssertionError: There are fewer after that time.
        """
        await wait_until(
            lambda: self.span_count >= count,
            within_seconds=within_seconds,
            otherwise=lambda: f"after {within_seconds:g} s there are {self.span_count} spans, not {count}:\n"
            f"{self.draw()}",
        )
        return self.spans

    async def wait_for_span(
        self, condition: Callable[[SpanRecord], object], *, within_seconds: float = 10.0
    ) -> SpanRecord:
        """Wait for the first span of which something is true, and return it.

        Raises:
            AssertionError: There is none after that time.
        """
        found: list[SpanRecord] = []

        def there() -> bool:
            found[:] = [span for span in self.spans if condition(span)][:1]
            return bool(found)

        await wait_until(
            there,
            within_seconds=within_seconds,
            otherwise=lambda: f"after {within_seconds:g} s no span is like that:\n{self.draw()}",
        )
        return found[0]
