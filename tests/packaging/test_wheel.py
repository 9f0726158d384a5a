"""What a user downloads."""

import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from tests.packaging.installed import ROOT, environment, run, together, uv, wheel

pytestmark = together

PACKAGE = "fastapi_factory_utilities"
EXAMPLE = [
    "__main__.py",
    "app.py",
    "application.yaml",
    "api/books/__init__.py",
    "entities/books/__init__.py",
    "models/books/__init__.py",
    "services/books/__init__.py",
]


def names_in_wheel() -> set[str]:
    with zipfile.ZipFile(wheel()) as archive:
        return set(archive.namelist())


def metadata() -> Message:
    with zipfile.ZipFile(wheel()) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_the_wheel_says_that_it_is_typed() -> None:
    assert f"{PACKAGE}/py.typed" in names_in_wheel()


def test_the_wheel_carries_the_example_and_its_configuration() -> None:
    assert not {f"{PACKAGE}/example/{name}" for name in EXAMPLE} - names_in_wheel()


def test_the_wheel_carries_every_file_of_the_package() -> None:
    source = ROOT / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert not {name for name in files if "__pycache__" not in name} - names_in_wheel()


def test_the_wheel_carries_nothing_but_the_package() -> None:
    assert {name.split("/")[0] for name in names_in_wheel() if ".dist-info/" not in name} == {PACKAGE}


def test_the_metadata_put_no_upper_bound_on_python() -> None:
    assert metadata()["Requires-Python"] == ">=3.12"


def test_the_metadata_put_no_upper_bound_on_a_dependency() -> None:
    required = metadata().get_all("Requires-Dist", [])
    assert required
    assert not [line for line in required if re.search(r"<|~=|==", line.split(";")[0]) and "embedded" not in line]


def test_the_licence_travels_with_the_wheel() -> None:
    assert metadata()["License-Expression"] == "MIT"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names_in_wheel())


def test_every_entry_point_of_the_wheel_leads_somewhere() -> None:
    code = """
from importlib.metadata import distribution
for point in distribution("fastapi-factory-utilities").entry_points:
    assert callable(point.load()) or point.group == "pytest11", point
    print(point.name)
"""
    done = run(environment("mongo", beside=("pytest",)), code)
    assert set(done.stdout.split()) == {
        PACKAGE,
        "fastapi-factory",
        "fastapi_factory_utilities-example",
        "ffu",
    }, done.stderr


def test_the_version_comes_from_the_git_tag(tmp_path: Path) -> None:
    copy = copy_of_the_sources(tmp_path)
    git(copy, "init", "--quiet")
    git(copy, "add", ".")
    git(copy, "commit", "--quiet", "--message", "a release")
    git(copy, "tag", "v1.2.3")
    assert version_built_from(copy) == "1.2.3"


def test_a_clone_without_tags_still_builds(tmp_path: Path) -> None:
    copy = copy_of_the_sources(tmp_path)
    git(copy, "init", "--quiet")
    git(copy, "add", ".")
    git(copy, "commit", "--quiet", "--message", "no release yet")
    assert version_built_from(copy).startswith("0.1.0.dev")


def test_a_source_tree_without_git_still_builds(tmp_path: Path) -> None:
    assert version_built_from(copy_of_the_sources(tmp_path)) == "0.1.0.dev0"


def copy_of_the_sources(folder: Path) -> Path:
    copy = folder / "checkout"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def git(checkout: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)


def version_built_from(checkout: Path) -> str:
    uv("build", "--wheel", "--python", sys.executable, "--out-dir", checkout.parent / "dist", checkout)
    (built,) = (checkout.parent / "dist").glob("*.whl")
    return built.name.split("-")[1]
