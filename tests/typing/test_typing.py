"""What a type checker tells the users of the library (NFR1, FR50)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastapi_factory_utilities.testing import BackendNotAvailable
from tests.packaging.installed import environment, run, together

pytestmark = together

SAMPLES = sorted(Path(__file__).parent.glob("sample_*.py"))


def checker(name: str, *arguments: str | Path, user: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a type checker of this environment over the library as it is installed in a user's."""
    command = [Path(sys.executable).with_name(name), *arguments]
    # pyright takes the first Python of the path; it has an option too, which `--verifytypes` does not read.
    variables = {**os.environ, "PATH": f"{user.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def pyright(*arguments: str | Path, user: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = checker("pyright", *arguments, user=user, cwd=cwd)
    if "nodeenv" in done.stderr:  # it found no node, and no registry to get one from
        raise BackendNotAvailable("Node.js for pyright", "pip install 'pyright[nodejs]'")
    return done


def test_mypy_strict_reveals_precise_types_to_a_consumer(tmp_path: Path) -> None:
    # No configuration of ours: a consumer has neither the pydantic plugin nor our paths.
    done = checker(
        "mypy",
        "--strict",
        "--config-file=",
        f"--python-executable={environment('mongo')}",
        f"--cache-dir={tmp_path}",
        *SAMPLES,
        user=environment("mongo"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_reveals_precise_types_to_a_consumer(tmp_path: Path) -> None:
    for sample in SAMPLES:
        (tmp_path / sample.name).write_text(sample.read_text())
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"typeCheckingMode": "standard", "enableTypeIgnoreComments": True})
    )
    done = pyright("--outputjson", user=environment("mongo"), cwd=tmp_path)
    errors = [line for line in json.loads(done.stdout)["generalDiagnostics"] if line["severity"] == "error"]
    assert not [f"{Path(line['file']).name}:{line['range']['start']['line'] + 1} {line['message']}" for line in errors]


def test_every_exported_symbol_has_a_known_type(tmp_path: Path) -> None:
    user = environment("all", beside=("lazy-model", "pytest", "psutil"))  # an environment apart, because of the stub
    # Beanie's documents extend a class of `lazy-model`, which is typed and does not say so: pyright then takes the
    # metaclass of every document for unknown, and `--ignoreexternal` does not cover metaclasses.
    (packages,) = user.parents[1].glob("lib/python*/site-packages")
    (packages / "lazy_model-stubs").mkdir(exist_ok=True)
    (packages / "lazy_model-stubs/__init__.pyi").write_text(
        "from pydantic import BaseModel\nclass LazyModel(BaseModel): ...\n"
    )
    arguments = ("--verifytypes", "fastapi_factory_utilities", "--ignoreexternal", "--outputjson")
    done = pyright(*arguments, user=user, cwd=tmp_path)
    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["pyTypedPath"]
    unknown = [
        f"{symbol['name']}: {' '.join(reason['message'].split())}"
        for symbol in found["symbols"]
        for reason in symbol["diagnostics"]
        if not symbol["isTypeKnown"]
    ]
    assert not unknown, "\n".join(unknown)
    assert found["exportedSymbolCounts"]["withKnownType"] > 0
    assert found["completenessScore"] == 1


def test_the_installed_package_is_the_one_that_is_checked(tmp_path: Path) -> None:
    done = run(environment("mongo"), "import fastapi_factory_utilities as found; print(found.__file__)")
    assert "site-packages" in done.stdout


if not SAMPLES:
    pytest.fail("the samples are gone", pytrace=False)
