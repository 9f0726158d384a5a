"""What can go wrong with Redis."""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError

__all__ = ["RedisUnavailableError"]


class RedisUnavailableError(BackendUnavailableError):
    """Redis did not answer in time, or takes no writes now; the field `operation` says what was asked of it.

    Over HTTP it becomes a 503 problem. What was asked may have been done all the same.
    """
