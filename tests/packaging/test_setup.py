"""`scripts/setup` on a project of the same shape with nothing to install but its tool."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.installed import PINS, ROOT, unless_no_registry

pytestmark = pytest.mark.xdist_group("scripts/setup")

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "fastapi-factory-utilities"
version = "1"

[project.optional-dependencies]
all = []

[dependency-groups]
dev = ["uv"]
test = ["uv"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environment was made once; each test leaves it working."""
    checkout = tmp_path_factory.mktemp("setup") / "checkout"
    package = checkout / "src/fastapi_factory_utilities"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (checkout / "pyproject.toml").write_text(PROJECT)
    (checkout / "requirements").mkdir()
    shutil.copy(PINS, checkout / "requirements")
    (checkout / "scripts").mkdir()
    for name in ("setup", "make_venv.py"):
        shutil.copy(ROOT / "scripts" / name, checkout / "scripts")
    said = setup(checkout)
    assert "making .venv" in said
    return checkout


def start(checkout: Path, **variables: str) -> subprocess.Popen[str]:
    base: str = getattr(sys, "_base_executable", sys.executable)
    return subprocess.Popen(
        [checkout / "scripts/setup"],
        env={**os.environ, "PYTHON": base, **variables},
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=100)
    unless_no_registry(process.returncode, said)
    assert process.returncode == 0, said
    return said


def setup(checkout: Path, **variables: str) -> str:
    return finish(start(checkout, **variables))


def works(checkout: Path) -> bool:
    python = checkout / ".venv/bin/python"
    code = "import fastapi_factory_utilities; print(fastapi_factory_utilities.__file__)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    return done.returncode == 0 and Path(done.stdout.strip()).is_relative_to(checkout)


def test_set_up_again_does_nothing_and_needs_no_network(made: Path) -> None:
    before = (made / ".venv/.stamp").stat().st_mtime_ns
    assert setup(made, UV_OFFLINE="1", PIP_INDEX_URL="http://127.0.0.1:9") == ""
    assert (made / ".venv/.stamp").stat().st_mtime_ns == before
    assert works(made)


def test_a_change_of_what_is_wanted_is_installed(made: Path) -> None:
    with (made / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    said = setup(made)
    assert "installing" in said
    assert "making" not in said
    assert setup(made) == ""


def test_two_at_once_make_one_environment(made: Path) -> None:
    shutil.rmtree(made / ".venv")
    said = [finish(process) for process in (start(made), start(made))]
    assert sorted(text.count("making .venv") for text in said) == [0, 1]
    assert works(made)


def test_an_environment_whose_python_is_gone_is_made_anew(made: Path) -> None:
    for link in (made / ".venv/bin").glob("python*"):
        link.unlink()
    assert "making .venv" in setup(made)
    assert works(made)


def test_a_file_in_the_place_of_the_environment_is_replaced(made: Path) -> None:
    shutil.rmtree(made / ".venv")
    (made / ".venv").write_text("not an environment")
    assert "making .venv" in setup(made)
    assert works(made)


def test_a_copied_checkout_gets_an_environment_of_its_own(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made, copy, symlinks=True)
    assert "making .venv" in setup(copy)
    assert works(copy)


def test_an_unusable_python_is_passed_over_aloud(made: Path) -> None:
    shutil.rmtree(made / ".venv")
    said = setup(made, PYTHON="/nonexistent/python")
    assert "PYTHON=/nonexistent/python is not a usable Python" in said
    assert works(made)


def test_an_interrupted_set_up_is_completed_by_the_next(made: Path) -> None:
    (made / ".venv/.stamp").unlink()
    (made / ".venv/bin/uv").unlink()
    assert "installing" in setup(made)
    assert (made / ".venv/bin/uv").exists()
