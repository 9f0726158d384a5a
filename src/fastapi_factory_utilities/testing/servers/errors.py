"""What can go wrong with a backend for tests."""

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = ["BackendNotAvailable", "ServerError"]


class BackendNotAvailable(FastAPIFactoryUtilitiesError):  # noqa: N818 - an outcome of a test ("not run"), not a failure
    """Raised when this machine has no way to a backend; under pytest the test is then reported as "not run".

    Args:
        backend: What is missing, such as `MongoDB`.
        ways: What would help, such as `set FFU_TEST_MONGO_URI`.
    """

    def __init__(self, backend: str, *ways: str) -> None:
        super().__init__(f"no {backend} ({_one_of(ways)})" if ways else f"no {backend}", backend=backend, ways=ways)
        self.backend = backend


class ServerError(FastAPIFactoryUtilitiesError):
    """A backend for tests could not be started, reached or controlled."""


def _one_of(ways: tuple[str, ...]) -> str:
    *first, last = ways
    return f"{', '.join(first)} or {last}" if first else last
