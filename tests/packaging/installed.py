"""The library as its users get it: the built wheel, installed in environments that hold nothing else of ours.

Everything is made once for each process, so the tests that use it share one xdist group (`together`).
"""

import atexit
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fastapi_factory_utilities.testing import BackendNotAvailable
from scripts.make_venv import installer_environment

ROOT = Path(__file__).parents[2]
PINS = ROOT / "requirements/dev.txt"

together = pytest.mark.xdist_group("installed wheel")

# How uv says that the registry cannot be reached, as opposed to that our package is wrong.
_NO_REGISTRY = re.compile(
    r"error sending request|dns error|connection refused|timed out|connectivity is disabled|was not found in the cache",
    re.IGNORECASE,
)


def unless_no_registry(status: int, said: str) -> None:
    """Go on, unless a command failed because it cannot reach the package registry.

    Raises:
        BackendNotAvailable: The test is "not run".
    """
    if status != 0 and _NO_REGISTRY.search(said):
        raise BackendNotAvailable("package registry", "connect this machine to one")


@functools.cache
def workspace() -> Path:
    """Return a folder that lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="installed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def uv(*arguments: str | Path) -> str:
    """Run uv and return what it said; without a registry the test is "not run"."""
    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), *arguments],
        cwd=ROOT,
        env=installer_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    unless_no_registry(done.returncode, done.stderr)
    assert done.returncode == 0, f"uv {' '.join(map(str, arguments))}\n{done.stderr}"
    return done.stdout + done.stderr


@functools.cache
def wheel() -> Path:
    """Build the wheel and return its path."""
    uv("build", "--wheel", "--python", sys.executable, "--out-dir", workspace() / "dist")
    (built,) = (workspace() / "dist").glob("*.whl")
    return built


def environment(extra: str = "", beside: tuple[str, ...] = ()) -> Path:
    """Return the Python of an environment that holds the wheel, one extra, and nothing else.

    Args:
        extra: One of our extras; none for the bare library.
        beside: What a user has installed for reasons of their own.
    """
    return _environment(extra, beside)


@functools.cache
def _environment(extra: str, beside: tuple[str, ...]) -> Path:
    name = "-".join((extra or "bare", *beside))
    python = workspace() / name / "bin/python"
    uv("venv", "--quiet", "--python", sys.executable, python.parents[1])
    what = f"{wheel()}[{extra}]" if extra else str(wheel())
    uv("pip", "install", "--quiet", "--python", python, "--constraint", PINS, what, *beside)
    return python


def run(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of code in a process of its own, outside the checkout, with nothing inherited on the path."""
    return subprocess.run([python, "-I", "-c", code], cwd=workspace(), capture_output=True, text=True, check=False)
