"""An application of ours, a client for it, and what it logs."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.api import create_fastapi
from fastapi_factory_utilities.core.logs import configure_logging


@pytest.fixture
def app() -> FastAPI:
    return create_fastapi(title="Library", version="1.2.3")


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """Answers as a server would: an exception does not come out."""
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def events() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged during the test."""
    configure_logging("json")
    with capture_logs() as captured:
        yield captured
