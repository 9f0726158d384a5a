"""Tasks as they are used: registered with a component, ready to be sent."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker, ScheduleSource, TaskiqMessage
from taskiq.decor import AsyncTaskiqDecoratedTask
from taskiq.kicker import AsyncKicker
from taskiq.labels import prepare_label
from taskiq.scheduler.created_schedule import CreatedSchedule
from taskiq.task import AsyncTaskiqTask

from fastapi_factory_utilities.core.plugins.taskiq_plugins.log_context import LABEL, carried_context
from fastapi_factory_utilities.core.plugins.taskiq_plugins.middlewares import changed_by_middlewares, tell_middlewares
from fastapi_factory_utilities.core.plugins.taskiq_plugins.spans import TaskSpans
from fastapi_factory_utilities.core.plugins.taskiq_plugins.tasks import Task

if TYPE_CHECKING:
    from taskiq.scheduler.scheduled_task import CronSpec

__all__ = ["Kicker", "RegisteredTask", "message_for"]


class Kicker[**P, R](AsyncKicker[P, Coroutine[Any, Any, R]]):
    """Sends one task: `await registered.kicker().with_labels(tenant="x").kiq(book_id)`."""

    def __init__(self, task: Task[P, R], broker: AsyncBroker, spans: TaskSpans | None = None) -> None:
        super().__init__(task.name, broker, dict(task.labels), return_type=task.arguments.return_type)
        self._task = task
        self._spans = spans or TaskSpans()

    async def kiq(  # type: ignore[override]  # the overloads of Taskiq are for functions of two colours
        self, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncTaskiqTask[R]:
        """Send it; return when it is stored.

        Raises:
            TypeError: The function has no such parameters, or needs more.
            TaskArgumentsError: A value does not fit its parameter.
            TaskQueueUnavailableError: Redis does not answer.
            TaskQueueFullError: Too many tasks wait.
        """
        message = await changed_by_middlewares(self.broker, "pre_send", self._message(args, kwargs))
        with self._spans.sending(message):
            await self.broker.kick(self.broker.formatter.dumps(message))
        await tell_middlewares(self.broker, "post_send", message)
        return AsyncTaskiqTask(message.task_id, self.broker.result_backend, self._task.arguments.return_type)

    def _prepare_message(self, *args: Any, **kwargs: Any) -> TaskiqMessage:  # noqa: ANN401 - the function's own
        """Make the message that a schedule will send; Taskiq's own methods that make schedules call this."""
        message = self._message(args, kwargs)
        self._spans.mark(message)
        return message

    def _message(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskiqMessage:
        """Check the arguments before they leave."""
        arguments = self._task.arguments.dump(args, kwargs)
        return message_for(self._task.name, arguments, self.labels, self.custom_task_id or self.broker.id_generator())


class RegisteredTask[**P, R](AsyncTaskiqDecoratedTask[P, Coroutine[Any, Any, R]]):
    """A task that can be sent; what `SchedulerComponent.get_task` returns, and one of Taskiq's own tasks as well.

    Taskiq's constructor is not called: it would rename the function and write into its module.
    """

    def __init__(
        self, task: Task[P, R], broker: AsyncBroker, source: ScheduleSource, spans: TaskSpans | None = None
    ) -> None:
        self.task = task
        self._spans = spans or TaskSpans()
        self.source = source
        self.broker = broker
        self.task_name: str = task.name
        self.original_func: Callable[P, Coroutine[Any, Any, R]] = task.function
        self.labels: dict[str, Any] = task.labels
        self.return_type: Any = task.arguments.return_type

    def kicker(self) -> Kicker[P, R]:
        """Return what sends it, to say more about this one sending."""
        return Kicker(self.task, self.broker, self._spans)

    async def kiq(  # type: ignore[override]  # the overloads of Taskiq are for functions of two colours
        self, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncTaskiqTask[R]:
        """Send it; return when it is stored. Raises what `Kicker.kiq` does."""
        return await self.kicker().kiq(*args, **kwargs)

    async def schedule_at(
        self, at: datetime, /, *args: P.args, **kwargs: P.kwargs
    ) -> CreatedSchedule[Coroutine[Any, Any, R]]:
        """Have it sent once, at a time (aware); `await created.unschedule()` calls it off.

        Raises:
            ScheduleDefinitionError: The time has no time zone.
            TaskArgumentsError: A value does not fit its parameter.
            TaskQueueUnavailableError: Redis does not answer.
        """
        return await self.kicker().schedule_by_time(self.source, at, *args, **kwargs)

    async def schedule_every(
        self, step: timedelta, /, *args: P.args, **kwargs: P.kwargs
    ) -> CreatedSchedule[Coroutine[Any, Any, R]]:
        """Have it sent again and again, first when one step is over. Raises what `schedule_at` does."""
        return await self.kicker().schedule_by_interval(self.source, step, *args, **kwargs)

    async def schedule_cron(
        self, cron: "str | CronSpec", /, *args: P.args, **kwargs: P.kwargs
    ) -> CreatedSchedule[Coroutine[Any, Any, R]]:
        """Have it sent by the clock; a `CronSpec` has a time zone as its `offset`. Raises what `schedule_at` does."""
        return await self.kicker().schedule_by_cron(self.source, cron, *args, **kwargs)

    def __repr__(self) -> str:
        return f"RegisteredTask({self.task_name!r})"


def message_for(name: str, arguments: dict[str, Any], labels: dict[str, Any], task_id: str) -> TaskiqMessage:
    """Make the message that calls a task; it carries the log context of this moment."""
    context = carried_context()
    prepared = {
        label: prepare_label(value)
        for label, value in (labels if context is None else {**labels, LABEL: context}).items()
    }
    return TaskiqMessage(
        task_id=task_id,
        task_name=name,
        labels={label: value for label, (value, _) in prepared.items()},
        labels_types={label: kind for label, (_, kind) in prepared.items()},
        args=[],
        kwargs=arguments,
    )
