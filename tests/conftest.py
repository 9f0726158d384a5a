"""Shared by every test."""

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.nodeid import coerce_node_id

from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.redaction import preserved_secrets

# Tests of our own pytest plugin run pytest inside pytest.
pytest_plugins = ["pytester"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a group in one process, where what they share is made once.

    pytest-xdist 3.8 names the group in an attribute that pytest 9.2 reads no more, and so spreads them.
    """
    if not getattr(config.option, "loadgroup", False):
        return  # this is no worker of `--dist loadgroup`
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group") if mark.args})
        if groups and not item.nodeid.endswith(f"@{'_'.join(groups)}"):
            named: Any = item
            named._id = coerce_node_id(f"{item.nodeid}@{'_'.join(groups)}")  # there is no public way


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
