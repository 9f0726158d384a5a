"""The error tree.

::

    FastAPIFactoryUtilitiesError
    ├── ConfigBuilderError            the configuration is wrong (every mistake at once)
    ├── ApplicationError              the application could not be built, started or stopped
    ├── PluginError                   something about one plugin
    │   ├── MissingExtraError         its optional dependency is not installed
    │   ├── PluginNotBoundError       used before it was given to an application
    │   ├── PluginNotActiveError      its value was asked for, but nobody provides it
    │   ├── PluginStartError          it failed to start
    │   └── PluginStopError           it failed to stop
    └── BackendUnavailableError       a backend does not answer in time (HTTP 503)

Making an error has no side effect: whoever handles it logs it, once.
"""

from typing import Any

__all__ = [
    "ApplicationError",
    "BackendUnavailableError",
    "FastAPIFactoryUtilitiesError",
]


class FastAPIFactoryUtilitiesError(Exception):
    """The base of every error of this library.

    Args:
        message: What failed, where, and what to do next: one sentence for a person. Never a secret.
        **fields: The same facts for a program; each is also readable as an attribute of `fields`.
    """

    def __init__(self, message: str = "", **fields: Any) -> None:  # noqa: ANN401 - facts of any type
        super().__init__(message)
        self.message = message
        self.fields = fields


class ApplicationError(FastAPIFactoryUtilitiesError):
    """The application could not be built, started or stopped."""


class BackendUnavailableError(FastAPIFactoryUtilitiesError):
    """A backend did not answer, or not in time; over HTTP it becomes a 503 problem.

    Args:
        message: What was tried and what to do next.
        retry_after_seconds: When trying again makes sense; becomes the `Retry-After` header.
        **fields: Facts for a program, such as `component`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_after_seconds: float = 1.0,
        **fields: Any,  # noqa: ANN401 - facts of any type
    ) -> None:
        super().__init__(message, **fields)
        self.retry_after_seconds = retry_after_seconds
