"""Logging is the process's: each test gets it fresh, and leaves it so."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastapi_factory_utilities.core.logs import reset_logging
from fastapi_factory_utilities.core.redaction import forget_secrets, preserved_secrets

Lines = Callable[[], list[dict[str, Any]]]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Nothing is set up, no secret is known."""
    with preserved_secrets():
        forget_secrets()
        reset_logging()
        yield
        reset_logging()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Read what was written to standard output as JSON lines."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


@pytest.fixture
def run_python() -> RunPython:
    """Run a program in a process of its own and look at what comes out of it."""

    def run(program: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", textwrap.dedent(program)]
        return subprocess.run(command, check=False, timeout=60, text=True, **{"capture_output": True, **options})

    return run
