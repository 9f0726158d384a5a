"""What can go wrong with tasks.

::

    TaskiqPluginBaseError
    ├── TaskDefinitionError (a TypeError too)     a function cannot be a task
    ├── ScheduleDefinitionError (a ValueError)    a schedule has a mistake
    ├── TaskRegistrationError (a ValueError too)  not registered, registered twice, or before the plugin runs
    ├── TaskArgumentsError (a ValueError too)     the arguments do not fit the task's function
    ├── TaskTimeLimitError (a TimeoutError too)   the task took longer than it may
    ├── TaskQueueFullError                        so many tasks wait that no more are taken; HTTP 503 too
    └── TaskQueueUnavailableError                 Redis did not answer in time; a BackendUnavailableError, so HTTP 503

No message and no field ever holds a task's arguments or the URL of Redis; a driver's own error is the `__cause__`.
"""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = [
    "ScheduleDefinitionError",
    "TaskArgumentsError",
    "TaskDefinitionError",
    "TaskQueueFullError",
    "TaskQueueUnavailableError",
    "TaskRegistrationError",
    "TaskTimeLimitError",
    "TaskiqPluginBaseError",
]


class TaskiqPluginBaseError(FastAPIFactoryUtilitiesError):
    """The base of every error about tasks."""


class TaskDefinitionError(TaskiqPluginBaseError, TypeError):
    """A task is written in a way that cannot work; told before anything is sent."""


class ScheduleDefinitionError(TaskiqPluginBaseError, ValueError):
    """A schedule has a mistake, or can never be due; told before anything is stored."""


class TaskRegistrationError(TaskiqPluginBaseError, ValueError):
    """A task is not registered, is registered already, or the component is not in use yet."""


class TaskArgumentsError(TaskiqPluginBaseError, ValueError):
    """Arguments do not fit the task's function; the field `problems` has places and kinds, never a value."""


class TaskTimeLimitError(TaskiqPluginBaseError, TimeoutError):
    """A task took longer than its `time_limit_seconds`."""


class TaskQueueUnavailableError(TaskiqPluginBaseError, BackendUnavailableError):
    """Redis did not answer in time; over HTTP it becomes a 503 problem. The task may have been sent all the same."""


class TaskQueueFullError(TaskiqPluginBaseError, BackendUnavailableError):
    """So many tasks wait that no more are taken; over HTTP it becomes a 503 problem."""
