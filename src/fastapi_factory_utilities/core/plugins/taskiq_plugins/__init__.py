"""Tasks for a service, on Taskiq and Redis: the plugin, tasks, retries, schedules (FR26-FR29).

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.taskiq_plugins.config import TaskiqConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins.contexts import (
    CurrentTask,
    TaskContext,
    current_task,
    depends_task_context,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import (
    ScheduleDefinitionError,
    TaskArgumentsError,
    TaskDefinitionError,
    TaskiqPluginBaseError,
    TaskQueueFullError,
    TaskQueueUnavailableError,
    TaskRegistrationError,
    TaskTimeLimitError,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.plugin import TaskiqPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins.provided import depends_scheduler_component
from fastapi_factory_utilities.core.plugins.taskiq_plugins.retries import RetryPolicy
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedules import Cron, Every, Once
from fastapi_factory_utilities.core.plugins.taskiq_plugins.tasks import Task, injected, task

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.dead_letters import DeadTask
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.depends import Tasks
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.registered import RegisteredTask

__all__ = [
    "Cron",
    "CurrentTask",
    "DeadTask",
    "Every",
    "Once",
    "RegisteredTask",
    "RetryPolicy",
    "ScheduleDefinitionError",
    "SchedulerComponent",
    "Task",
    "TaskArgumentsError",
    "TaskContext",
    "TaskDefinitionError",
    "TaskQueueFullError",
    "TaskQueueUnavailableError",
    "TaskRegistrationError",
    "TaskTimeLimitError",
    "TaskiqConfig",
    "TaskiqPlugin",
    "TaskiqPluginBaseError",
    "Tasks",
    "current_task",
    "depends_scheduler_component",
    "depends_task_context",
    "injected",
    "task",
]

_NEED_THE_DRIVER = {
    "DeadTask": "dead_letters",
    "RegisteredTask": "registered",
    "SchedulerComponent": "component",
    "Tasks": "depends",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(f"{__name__}.{_NEED_THE_DRIVER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
