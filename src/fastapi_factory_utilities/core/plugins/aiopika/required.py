"""Importing this module says whether RabbitMQ's client is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

__all__ = ["EXTRA", "require_amqp"]

EXTRA = "amqp"


def require_amqp() -> None:
    """Check that the extra `amqp` is installed.

    Raises:
        MissingExtraError: It is not; the message has the install command.
    """
    require_extra(EXTRA, "aio_pika", "aiormq")


require_amqp()
