"""The driver's errors, and ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi_factory_utilities.core.plugins.redis_client import required  # noqa: F401 - says how to install the rest

# isort: split
from redis import exceptions

from fastapi_factory_utilities.core.plugins.redis_client.errors import RedisUnavailableError

__all__ = ["is_unavailable", "redis_errors"]

# Replies of a server that is there and cannot serve now: it loads, fails over, has too few replicas, a full disk or
# memory, runs a script for too long. READONLY is a former primary that the Sentinels have demoted. The driver has
# classes for some, and takes the code away then; in a script's error the code has a text before it.
_CODES = "LOADING|MASTERDOWN|READONLY|NOREPLICAS|MISCONF|OOM|BUSY|TRYAGAIN|CLUSTERDOWN|UNBLOCKED"
_NOT_NOW = re.compile(rf"(?:^|-)(?:{_CODES})\b")


def is_unavailable(error: BaseException) -> bool:
    """Whether an error means that Redis cannot serve now, and trying again later makes sense."""
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return False
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError | TimeoutError):
        return True
    if isinstance(error, exceptions.ReadOnlyError | exceptions.OutOfMemoryError):
        return True
    return isinstance(error, exceptions.ResponseError) and _NOT_NOW.search(str(error)) is not None


@contextmanager
def redis_errors(operation: str) -> Iterator[None]:
    """Turn what the driver raises while Redis cannot serve into ours; everything else goes through.

    Args:
        operation: What is asked of Redis, for the error: `"remember a message"`.

    Raises:
        RedisUnavailableError: Redis did not answer in time, or takes no writes now; the driver's error is the cause.
    """
    try:
        yield
    except (exceptions.RedisError, OSError, TimeoutError) as error:
        if not is_unavailable(error):
            raise
        raise RedisUnavailableError(
            f"Redis could not {operation}: it does not answer, or takes no writes now; see the component's health",
            operation=operation,
        ) from error
