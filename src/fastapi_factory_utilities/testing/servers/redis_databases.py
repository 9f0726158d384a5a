"""A numbered database of a Redis for one test alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi_factory_utilities.testing.servers.errors import ServerError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["own_database"]

_LEASE_SECONDS = 3600
_MARK = "ffu:test:database:{}"


@contextmanager
def own_database(uri: str) -> Iterator[int]:
    """Take an empty database of a server for as long as the body lasts, and leave it empty.

    Which are taken is noted in database 0, so that several test runs can share one server.

    Args:
        uri: The server's URI; the database that it may name is not touched.

    Raises:
        ServerError: None is free.
    """
    from redis import Redis  # noqa: PLC0415 - pytest loads this package in every test run of every user

    bare = urlsplit(uri)._replace(path="").geturl()
    with Redis.from_url(bare) as notes:
        number = next((number for number in range(1, _databases(notes)) if _take(notes, bare, number)), None)
        if number is None:
            raise ServerError(
                "every database of the Redis for tests has something in it; flush what is left from earlier runs"
            )
        try:
            yield number
        finally:
            with Redis.from_url(bare, db=number) as database:
                database.flushdb()
            notes.delete(_MARK.format(number))


def _databases(notes: "Redis") -> int:
    found = notes.config_get("databases")
    return int(found["databases"] or 1)


def _take(notes: "Redis", uri: str, number: int) -> bool:
    from redis import Redis  # noqa: PLC0415 - see above

    if not notes.set(_MARK.format(number), 1, nx=True, ex=_LEASE_SECONDS):
        return False
    with Redis.from_url(uri, db=number) as database:
        if not database.dbsize():
            return True
    notes.delete(_MARK.format(number))
    return False
