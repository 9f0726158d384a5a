"""Tasks as a service defines them: a function, its name, and how it is to be run.

::

    @task("index_book", retry=RetryPolicy(max_attempts=5), schedules=[Cron("0 3 * * *")])
    async def index_book(book_id: UUID, books: Books = injected) -> int: ...

    TaskiqPlugin("books", tasks=[index_book])

Nothing is sent and nobody runs it before a plugin has it; in tests it can be called like the function that it is.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property, update_wrapper, wraps
from typing import Any, cast

from fastapi_factory_utilities.core.plugins.injection import Injected
from fastapi_factory_utilities.core.plugins.taskiq_plugins.arguments import Arguments
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskDefinitionError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.retries import RetryPolicy
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedules import Schedule

__all__ = ["Task", "injected", "task"]

injected: Any = ...
"""The default of a parameter that is injected, so that type checkers do not ask senders for it."""


class Task[**P, R]:
    """A function that workers run; made by `task`.

    Attributes:
        name: What it is called on its way.
        retry: How often it is tried.
        time_limit_seconds: How long one attempt may take; `None` is what the section `taskiq` says.
        schedules: When it is due by itself.
        labels: What is sent with every call, for Taskiq's middlewares.

    Args:
        function: An async function; a plain one runs in a thread, which no time limit can end.
    """

    def __init__(
        self,
        function: Callable[P, Coroutine[Any, Any, R]],
        name: str,
        *,
        retry: RetryPolicy | None = None,
        time_limit_seconds: float | None = None,
        schedules: Iterable[Schedule] = (),
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TaskDefinitionError(f"task {name}: {function!r} is no function", task=name)
        if time_limit_seconds is not None and time_limit_seconds <= 0:
            raise TaskDefinitionError(f"task {name}: time_limit_seconds must be more than 0", task=name)
        self._function = function
        self.name = name
        self.retry: RetryPolicy = retry or RetryPolicy()
        self.time_limit_seconds = time_limit_seconds
        self.schedules: tuple[Schedule, ...] = tuple(schedules)
        self.labels: dict[str, Any] = dict(labels or {})
        update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"Task({self.name!r})"

    def __reduce__(self) -> str:
        """Be found by name in another process, as functions are."""
        return str(getattr(self, "__qualname__"))  # noqa: B009 - the function's, which `update_wrapper` copied

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function here and now, with everything that it needs, as a unit test would."""
        return await _as_async(self._function)(*args, **kwargs)

    @property
    def function(self) -> Callable[P, Coroutine[Any, Any, R]]:
        """The function as it was written."""
        return self._function

    @cached_property
    def call(self) -> Injected[R]:
        """Calls the function with its dependencies.

        Raises:
            TaskDefinitionError: Its annotations cannot be read.
            PluginError: A dependency needs something that only a request has.
        """
        try:
            return Injected(_as_async(self._function))
        except NameError as error:
            raise TaskDefinitionError(
                f"task {self.name}: its annotations name something unknown: {error}", task=self.name
            ) from error

    @cached_property
    def arguments(self) -> Arguments:
        """What its callers give.

        Raises:
            TaskDefinitionError: A parameter is of a type that cannot travel.
        """
        return Arguments(self.name, self.call.signature)

    def check(self) -> None:
        """Find now what else would fail at every call.

        Raises:
            TaskDefinitionError: The function cannot be a task.
            ScheduleDefinitionError: A schedule's arguments do not fit the function.
            PluginError: A dependency needs something that only a request has.
        """
        for schedule in self.schedules:
            try:
                self.arguments.dump((), schedule.arguments)
            except (TypeError, ValueError) as error:
                raise TaskDefinitionError(
                    f"task {self.name}: the schedule {schedule.key!r} cannot call it: {error}; give its arguments",
                    task=self.name,
                ) from error
        _ = self.arguments


def task[**P, R](
    name: str | None = None,
    /,
    *,
    retry: RetryPolicy | None = None,
    time_limit_seconds: float | None = None,
    schedules: Iterable[Schedule] = (),
    labels: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Task[P, R]]:
    """Make a task of an async function.

    Args:
        name: What it is called on its way; by default the function's module and name. Tasks that wait are found by it,
            so keep it when the function moves.
        retry: How often it is tried; by default four times.
        time_limit_seconds: How long one attempt may take; by default what the section `taskiq` says.
        schedules: When it is due by itself.
        labels: What is sent with every call, for Taskiq's middlewares.
    """

    def make(function: Callable[P, Coroutine[Any, Any, R]]) -> Task[P, R]:
        return Task(
            function,
            name or name_of(function),
            retry=retry,
            time_limit_seconds=time_limit_seconds,
            schedules=schedules,
            labels=labels,
        )

    return make


def name_of(function: Callable[..., Any]) -> str:
    """The name of a task that was given none."""
    return f"{function.__module__}:{getattr(function, '__qualname__', function)}"


def _as_async[**P, R](function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    if inspect.iscoroutinefunction(function):
        return function
    plain = cast("Callable[P, R]", function)

    @wraps(plain)
    async def in_a_thread(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(plain, *args, **kwargs)

    return in_a_thread
