"""Shared by every test."""

from collections.abc import Iterator

import pytest

from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.redaction import preserved_secrets

# Tests of our own pytest plugin run pytest inside pytest.
pytest_plugins = ["pytester"]


@pytest.fixture
def anyio_backend() -> str:
    """The library runs on asyncio: its drivers do."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _process_state() -> Iterator[None]:
    """Building an application sets up logging and registers secrets for the process: undo that after each test."""
    with preserved_secrets():
        yield
    reset_logging()
