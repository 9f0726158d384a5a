"""What a line that breaks looks like to those who wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi_factory_utilities.core.plugins.aiopika.driver_calls import own_cancellations
from fastapi_factory_utilities.core.plugins.aiopika.errors import BrokerUnavailableError

__all__ = ["line_errors"]


@contextmanager
def line_errors(what: str) -> Iterator[None]:
    """Make one error of all that the driver raises when the broker is away or refuses.

    Args:
        what: What could not be done, to begin the error's sentence with.

    Raises:
        BrokerUnavailableError: The broker did not do it.
    """
    from aio_pika.exceptions import CONNECTION_EXCEPTIONS  # noqa: PLC0415 - reading the package needs no driver

    try:
        with own_cancellations():
            yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BrokerUnavailableError(f"{what} ({type(error).__name__}); it is tried again") from error
