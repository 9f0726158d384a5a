"""Results of tasks in Redis, for as long as they are wanted."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from fastapi_factory_utilities.core.plugins.taskiq_plugins import required  # noqa: F401 - says how to install the rest

# isort: split
from pydantic_core import PydanticSerializationError
from taskiq import AsyncResultBackend, TaskiqResult
from taskiq.depends.progress_tracker import TaskProgress
from taskiq.exceptions import ResultGetError

from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams import GROUP, Streams, queue_errors

__all__ = ["RedisResults", "TaskState", "encode_result"]

_PROGRESS: Final = "progress"


class TaskState(StrEnum):
    """Where a task is in its life.

    Attributes:
        UNKNOWN: It was never sent, or its result has expired.
        WAITING: It waits for a worker, or for its time.
        RUNNING: A worker has it.
        FINISHED: It has returned; its result is kept.
        FAILED: It has raised, and is not tried again; its error is kept.
        DEAD: It was given up, and is in the dead-letter list.
    """

    UNKNOWN = "unknown"
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    DEAD = "dead"


def encode_result(result: TaskiqResult[Any]) -> bytes:
    """Write a result as JSON; one that JSON has no form for becomes an error that says so, without the value."""
    try:
        return result.model_dump_json().encode()
    except (PydanticSerializationError, ValueError, TypeError) as error:
        problem = TypeError(
            f"the task returned a {type(result.return_value).__name__}, which has no form in JSON: return plain data"
        )
        problem.__cause__ = error
    unkept: TaskiqResult[Any] = TaskiqResult(
        is_err=True, return_value=None, execution_time=result.execution_time, error=problem
    )
    return unkept.model_dump_json().encode()


class RedisResults(AsyncResultBackend[Any]):
    """Taskiq's result backend on the queue's own keys; results are JSON and expire.

    Args:
        streams: The queue.
        ttl_seconds: How long a result is kept.
    """

    def __init__(self, streams: Streams, *, ttl_seconds: float) -> None:
        self._streams = streams
        self._ttl_ms = max(1, int(ttl_seconds * 1000))

    async def set_result(self, task_id: str, result: TaskiqResult[Any]) -> None:
        """Keep a result.

        Raises:
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        state = TaskState.FAILED if result.is_err else TaskState.FINISHED
        await self._set(task_id, {"result": encode_result(result), "state": state.value})

    async def is_result_ready(self, task_id: str) -> bool:
        """Whether there is a result.

        Raises:
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        with queue_errors("look for a result", self._streams.prefix):
            return bool(await self._streams.client.hexists(self._streams.result_key(task_id), "result"))

    async def get_result(
        self,
        task_id: str,
        with_logs: bool = False,  # noqa: FBT001, FBT002, ARG002 - Taskiq's signature; logs are not kept
    ) -> TaskiqResult[Any]:
        """Return a result.

        Raises:
            ResultGetError: There is none: the task has not finished, or its result has expired.
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        with queue_errors("give a result", self._streams.prefix):
            found = await self._streams.client.hget(self._streams.result_key(task_id), "result")
        if found is None:
            raise ResultGetError
        return TaskiqResult[Any].model_validate_json(found)

    async def set_progress(
        self,
        task_id: str,
        progress: Any,  # noqa: ANN401 - a `TaskProgress`, whose class not every type checker finds
    ) -> None:
        """Keep how far a task is.

        Raises:
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        await self._set(task_id, {_PROGRESS: progress.model_dump_json().encode()})

    async def get_progress(self, task_id: str) -> Any:  # noqa: ANN401 - see above; None when there is none
        """Return how far a task is, if it ever told.

        Raises:
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        with queue_errors("give a progress", self._streams.prefix):
            found = await self._streams.client.hget(self._streams.result_key(task_id), _PROGRESS)
        return None if found is None else TaskProgress[Any].model_validate_json(found)

    async def state_of(self, task_id: str) -> TaskState:
        """Where a task is in its life.

        Raises:
            TaskQueueUnavailableError: Redis did not answer in time.
        """
        streams = self._streams
        with queue_errors("tell a task's state", streams.prefix):
            kept: Any = await streams.client.hget(streams.result_key(task_id), "state")
            if kept is not None:
                return TaskState(kept.decode())
            if await streams.client.hexists(streams.dead_data, task_id):
                return TaskState.DEAD
            entry = await streams.client.hget(streams.index, task_id)
            if entry is None:
                return TaskState.UNKNOWN
            if entry == b"later":
                return TaskState.WAITING
            pending = await streams.client.xpending_range(streams.stream, GROUP, entry, entry, 1)
        return TaskState.RUNNING if pending and pending[0]["consumer"] != b"returned" else TaskState.WAITING

    async def _set(self, task_id: str, fields: Mapping[str, bytes | str]) -> None:
        key = self._streams.result_key(task_id)
        with queue_errors("keep a result", self._streams.prefix):
            async with self._streams.client.pipeline(transaction=True) as pipe:
                for name, value in fields.items():
                    pipe.hset(key, name, value)
                pipe.pexpire(key, self._ttl_ms)
                await pipe.execute()
