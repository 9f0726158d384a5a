"""One task, from the message to its end: done, tried again, or parked among the dead letters."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from taskiq import AsyncBroker, BrokerMessage, TaskiqMessage, TaskiqResult
from taskiq.labels import prepare_label

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent
from fastapi_factory_utilities.core.plugins.taskiq_plugins.config import TaskiqConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins.contexts import (
    DUE_AT,
    SCHEDULE_ID,
    TaskContext,
    running_task,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import (
    TaskArgumentsError,
    TaskiqPluginBaseError,
    TaskTimeLimitError,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.log_context import LABEL, bind_context
from fastapi_factory_utilities.core.plugins.taskiq_plugins.middlewares import changed_by_middlewares, tell_middlewares
from fastapi_factory_utilities.core.plugins.taskiq_plugins.queues import Delivery
from fastapi_factory_utilities.core.plugins.taskiq_plugins.retries import RetryPolicy
from fastapi_factory_utilities.core.plugins.taskiq_plugins.tasks import Task
from fastapi_factory_utilities.core.redaction import redact

__all__ = ["ATTEMPT", "TaskHandler"]

_log = get_logger(__name__)

ATTEMPT = "attempt"

_CAUSE_LENGTH = 500
_NOBODYS = "(unknown)"

# A task that this process does not know may be one that the next release brings: in about ten minutes it has.
_UNKNOWN = RetryPolicy(max_attempts=12, base_seconds=1, max_seconds=90)


class TaskHandler:
    """Runs tasks of one component.

    Args:
        component: What is registered.
        config: Limits for tasks that have none of their own.
    """

    def __init__(self, component: SchedulerComponent, config: TaskiqConfig) -> None:
        self._component = component
        self._config = config

    @property
    def _broker(self) -> AsyncBroker:
        return self._component.broker

    async def handle(self, delivery: Delivery, app: FastAPI) -> None:
        """Run one task and settle it.

        Raises:
            BackendUnavailableError: It could not be settled.
            CancelledError: This worker has to stop; the task is not settled.
        """
        try:
            message = self._broker.formatter.loads(delivery.data)
            message.parse_labels()
            attempt = max(1, int(message.labels.get(ATTEMPT, 1)))
        except Exception:  # noqa: BLE001 - whatever a formatter raises means that it cannot be read
            await _park(delivery, "the message cannot be read")
            return
        bind_context(message.labels.get(LABEL), task=message.task_name, task_id=message.task_id, attempt=attempt)
        try:
            await self._told(delivery, message, attempt, app)
        except BackendUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - not settled, it would have its place in this worker for good
            await _park(delivery, "the message cannot be dealt with", error)

    async def _told(self, delivery: Delivery, message: TaskiqMessage, attempt: int, app: FastAPI) -> None:
        """Settle a task, and tell of it."""
        spans = self._component.spans
        if not spans.active:
            await self._handle(delivery, message, attempt, app)
            return
        # Names that nobody knows are somebody's choice, and each would be remembered.
        name = message.task_name if self._component.find(message.task_name) else _NOBODYS
        with spans.running(message, attempt, len(delivery.data), name) as told:
            error = await self._handle(delivery, message, attempt, app)
            if error is not None:
                told.fail(error)

    async def _handle(
        self, delivery: Delivery, message: TaskiqMessage, attempt: int, app: FastAPI
    ) -> BaseException | None:
        """Settle a task by what can be done with it; return what it failed with."""
        task = self._component.find(message.task_name)
        if task is None:
            return await self._unknown(delivery, message, attempt)
        if delivery.times > self._config.max_deliveries:
            cause = f"{delivery.times - 1} workers ended while they ran it"
            result = _failed(cause)
            await self._give_up(delivery, message, cause, result)
            return result.error
        return await self._attempt(delivery, message, task, attempt, app)

    async def _attempt(
        self, delivery: Delivery, message: TaskiqMessage, task: Task[..., Any], attempt: int, app: FastAPI
    ) -> Exception | None:
        """Call the function once, and settle the task by what comes of it; return what it failed with."""
        began = time.perf_counter()
        error: Exception | None = None
        value: Any = None
        try:
            message = await changed_by_middlewares(self._broker, "pre_execute", message)
            value = await self._call(task, message, attempt, delivery.times, app)
        except Exception as caught:  # noqa: BLE001 - whatever the task raises is its failure
            error = caught
        result: TaskiqResult[Any] = TaskiqResult(
            is_err=error is not None,
            return_value=value,
            execution_time=round(time.perf_counter() - began, 3),
            error=error,
            labels=message.labels,
        )
        if error is not None:
            await tell_middlewares(self._broker, "on_error", message, result, error)
        await tell_middlewares(self._broker, "post_execute", message, result)
        if error is not None and not isinstance(error, TaskArgumentsError) and task.retry.tries_again(error, attempt):
            wait = task.retry.wait_seconds(attempt)
            _log.warning("task failed, it is tried again", wait_seconds=round(wait, 3), exc_info=error)
            await self._again(delivery, message, attempt + 1, wait)
            return error
        if error is None:
            await delivery.done(result)
        else:
            await self._give_up(delivery, message, _in_words(error), result, error)
        await tell_middlewares(self._broker, "post_save", message, result)
        return error

    async def _call(
        self, task: Task[..., Any], message: TaskiqMessage, attempt: int, deliveries: int, app: FastAPI
    ) -> Any:  # noqa: ANN401 - the function's result
        limit = task.time_limit_seconds or self._config.time_limit_seconds
        context = TaskContext(
            task_id=message.task_id,
            name=task.name,
            attempt=attempt,
            max_attempts=task.retry.max_attempts,
            deliveries=deliveries,
            deadline=datetime.now(UTC) + timedelta(seconds=limit),
            schedule_id=message.labels.get(SCHEDULE_ID),
            due_at=_moment(message.labels.get(DUE_AT)),
            labels=message.labels,
        )
        arguments = task.arguments.load(message.args, message.kwargs)
        with running_task(context):
            return task.arguments.dump_result(await _within(limit, task, app, arguments))

    async def _unknown(self, delivery: Delivery, message: TaskiqMessage, attempt: int) -> BaseException | None:
        cause = "no worker knows a task of this name: register it and re-queue this, or delete it"
        result = _failed(cause)
        if attempt < _UNKNOWN.max_attempts:
            wait = _UNKNOWN.wait_seconds(attempt)
            _log.warning("task unknown to this process, it is tried again", wait_seconds=round(wait, 3))
            await self._again(delivery, message, attempt + 1, wait)
        else:
            await self._give_up(delivery, message, cause, result)
        return result.error

    async def _again(self, delivery: Delivery, message: TaskiqMessage, attempt: int, wait_seconds: float) -> None:
        await delivery.retry(self._copy(message, attempt), wait_seconds)

    async def _give_up(
        self,
        delivery: Delivery,
        message: TaskiqMessage,
        cause: str,
        result: TaskiqResult[Any],
        error: Exception | None = None,
    ) -> None:
        _log.error("task given up", reason=cause, deliveries=delivery.times, exc_info=error)
        # Re-queued, it begins with its first attempt.
        await delivery.dead(self._copy(message, 1), cause, result)

    def _copy(self, message: TaskiqMessage, attempt: int) -> BrokerMessage:
        """The message for another attempt; it is the same task, with the same id."""
        prepared = {name: prepare_label(value) for name, value in {**message.labels, ATTEMPT: attempt}.items()}
        labels = {name: text for name, (text, _) in prepared.items()}
        kinds = {name: kind for name, (_, kind) in prepared.items()}
        return self._broker.formatter.dumps(message.model_copy(update={"labels": labels, "labels_types": kinds}))


async def _within(
    limit: float, task: Task[..., Any], app: FastAPI, arguments: dict[str, Any]
) -> Any:  # noqa: ANN401 - the function's result
    """Call the function, and end it at its time limit."""
    try:
        async with asyncio.timeout(limit) as scope:
            return await task.call(app, **arguments)
    except TimeoutError:
        if not scope.expired():
            raise
        raise TaskTimeLimitError(
            f"task {task.name} took longer than {limit:g} s: make it faster, or raise its time_limit_seconds",
            task=task.name,
            limit_seconds=limit,
        ) from None
    except asyncio.CancelledError as error:
        running = asyncio.current_task()
        if running is None or running.cancelling():
            raise
        raise TaskiqPluginBaseError(f"task {task.name} cancelled itself", task=task.name) from error


async def _park(delivery: Delivery, cause: str, error: Exception | None = None) -> None:
    """Give up a task whose message cannot be written anew: it is kept as it came."""
    _log.error("task given up", task_id=delivery.task_id, reason=cause, exc_info=error)
    unchanged = BrokerMessage(task_id=delivery.task_id, task_name=delivery.task_name, message=delivery.data, labels={})
    await delivery.dead(unchanged, cause, None)


def _moment(label: object) -> datetime | None:
    try:
        return None if label is None else datetime.fromisoformat(str(label))
    except ValueError:
        return None


def _failed(cause: str) -> TaskiqResult[Any]:
    return TaskiqResult(is_err=True, return_value=None, execution_time=0.0, error=TaskiqPluginBaseError(cause))


def _in_words(error: Exception) -> str:
    """Put an error in one line, without known secrets."""
    text = " ".join(str(error).split())
    return redact(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:_CAUSE_LENGTH]
