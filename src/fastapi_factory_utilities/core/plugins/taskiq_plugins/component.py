"""`SchedulerComponent`: the tasks of one running application, and all that can be done with them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, overload

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker, ScheduleSource, TaskiqScheduler
from taskiq.abc.result_backend import AsyncResultBackend

from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskRegistrationError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.queues import DeadLetterList
from fastapi_factory_utilities.core.plugins.taskiq_plugins.registered import RegisteredTask
from fastapi_factory_utilities.core.plugins.taskiq_plugins.retries import RetryPolicy
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedules import Schedule
from fastapi_factory_utilities.core.plugins.taskiq_plugins.spans import TaskSpans
from fastapi_factory_utilities.core.plugins.taskiq_plugins.tasks import Task, name_of

__all__ = ["SchedulerComponent"]


class SchedulerComponent:
    """The registered tasks, their queue and their schedules; routes get it from `depends_scheduler_component`.

    ::

        async def add_book(book: Book, tasks: SchedulerComponent = Depends(depends_scheduler_component)) -> None:
            await tasks.get_task(index_book).kiq(book.id)

    `TaskiqPlugin` makes and configures one each time that its application starts.
    """

    def __init__(self) -> None:
        self._broker: AsyncBroker | None = None
        self._source: ScheduleSource | None = None
        self._scheduler: TaskiqScheduler | None = None
        self._dead_letters: DeadLetterList | None = None
        self._tasks: dict[str, RegisteredTask[..., Any]] = {}
        self._spans = TaskSpans()

    def configure(
        self,
        broker: AsyncBroker,
        source: ScheduleSource,
        dead_letters: DeadLetterList | None = None,
        spans: TaskSpans | None = None,
    ) -> Self:
        """Give it the queue that tasks are sent through, and where its schedules and dead letters are kept.

        Args:
            broker: The queue.
            source: The schedules.
            dead_letters: What was given up.
            spans: What tells of tasks.
        """
        self._spans = spans or self._spans
        self._broker = broker
        self._dead_letters = dead_letters
        self._source = source
        self._scheduler = TaskiqScheduler(broker, [source])
        return self

    @property
    def broker(self) -> AsyncBroker:
        """What sends tasks.

        Raises:
            ValueError: Before `configure`.
        """
        if self._broker is None:
            raise TaskRegistrationError("Stream broker is not initialized")
        return self._broker

    @property
    def result_backend(self) -> AsyncResultBackend[Any]:
        """Where results are kept.

        Raises:
            ValueError: Before `configure`.
        """
        if self._broker is None:
            raise TaskRegistrationError("Result backend is not initialized")
        return self._broker.result_backend

    @property
    def scheduler(self) -> TaskiqScheduler:
        """The broker and the schedules, as Taskiq's own tools take them.

        Raises:
            ValueError: Before `configure`.
        """
        if self._scheduler is None:
            raise TaskRegistrationError("Scheduler is not initialized")
        return self._scheduler

    @property
    def scheduler_source(self) -> ScheduleSource:
        """The schedules that were made while the service runs: `get_schedules()`, `delete_schedule(id)`.

        Raises:
            ValueError: Before `configure`.
        """
        if self._source is None:
            raise TaskRegistrationError("Scheduler source is not initialized")
        return self._source

    @property
    def dead_letters(self) -> DeadLetterList:
        """The tasks that were given up: to be listed, sent again, or forgotten.

        Raises:
            ValueError: Before `configure`, or for a broker that keeps none.
        """
        if self._dead_letters is None:
            raise TaskRegistrationError("Dead letters are not initialized")
        return self._dead_letters

    @property
    def spans(self) -> TaskSpans:
        """What tells of its tasks."""
        return self._spans

    def register_task(
        self,
        task: Callable[..., Any] | Task[..., Any],
        task_name: str | None = None,
        *,
        retry: RetryPolicy | None = None,
        time_limit_seconds: float | None = None,
        schedules: Iterable[Schedule] = (),
        **labels: Any,  # noqa: ANN401 - Taskiq's labels are of any type
    ) -> RegisteredTask[..., Any]:
        """Make a function known, so that it can be sent and run.

        Args:
            task: A function, or what `task(...)` made of one; that has said all the rest already.
            task_name: What it is called on its way; by default its module and name.
            retry: How often it is tried; by default four times.
            time_limit_seconds: How long one attempt may take; by default what the section `taskiq` says.
            schedules: When it is due by itself.
            **labels: What is sent with every call.

        Raises:
            ValueError: There is a task of this name, or the component is not configured.
            TaskDefinitionError: The function cannot be a task.
        """
        if not isinstance(task, Task):
            task = Task(
                task,
                task_name or name_of(task),
                retry=retry,
                time_limit_seconds=time_limit_seconds,
                schedules=schedules,
                labels=labels,
            )
        elif task_name not in (None, task.name):
            raise TaskRegistrationError(f"Task {task.name} has its name already: register it without another")
        if task.name in self._tasks:
            raise TaskRegistrationError(f"Task {task.name} already registered", task=task.name)
        broker = self.broker
        task.check()
        registered = RegisteredTask(task, broker, self.scheduler_source, self._spans)
        self._tasks[task.name] = registered
        broker.local_task_registry[task.name] = registered
        return registered

    @overload
    def get_task[**P, R](self, task: Task[P, R]) -> RegisteredTask[P, R]: ...

    @overload
    def get_task(self, task: str) -> RegisteredTask[..., Any]: ...

    def get_task(self, task: str | Task[..., Any]) -> RegisteredTask[..., Any]:
        """Return a task that can be sent.

        Args:
            task: Its name, or the task itself: then its arguments are known to the type checker.

        Raises:
            ValueError: It is not registered.
        """
        name = task if isinstance(task, str) else task.name
        registered = self._tasks.get(name)
        if registered is None or (isinstance(task, Task) and registered.task is not task):
            raise TaskRegistrationError(f"Task {name} not registered", task=name)
        return registered

    def find(self, name: str) -> Task[..., Any] | None:
        """Return a task by its name, if there is one."""
        registered = self._tasks.get(name)
        return None if registered is None else registered.task

    def __iter__(self) -> Iterator[Task[..., Any]]:
        """All registered tasks."""
        return iter([registered.task for registered in self._tasks.values()])
