"""The production form of the example: `python -m fastapi_factory_utilities.example`.

The variables `MONGO_URI`, `AMQP_URL` and `REDIS_URL` say where its backends are.
"""

import sys

__all__ = ["main"]


def main() -> int:
    """Serve the Books service and return the exit status.

    Without an extra that it needs it says how to install it.
    """
    from fastapi_factory_utilities.core.app.server import WRONG_SETUP, serve, tell  # noqa: PLC0415 - see below
    from fastapi_factory_utilities.core.plugins import MissingExtraError, require_extra  # noqa: PLC0415 - see below

    try:
        require_extra("all", "beanie", "pymongo", "aio_pika", "taskiq", "redis")
    except MissingExtraError as error:
        tell(error)
        return WRONG_SETUP
    from fastapi_factory_utilities.example.app import AppBuilder  # noqa: PLC0415 - needs what was just checked

    return serve(AppBuilder())


if __name__ == "__main__":
    sys.exit(main())
