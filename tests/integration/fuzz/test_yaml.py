"""No configuration file ends in anything but a configuration, or one error that says what is wrong."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, note
from hypothesis import strategies as st

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.utils.yaml_reader import read_yaml_file
from tests.integration.fuzz.documents import documents
from tests.integration.fuzz.sizes import TOLERANT, fuzzing

pytestmark = TOLERANT

HANGS_SECONDS: Final = 10.0  # a file takes milliseconds, unless somebody has found a way to make it work

_PIECES: Final = st.sampled_from(
    [
        "application:\n",
        "server:\n",
        "  port: ",
        "  host: ",
        "logging:\n",
        "  - ",
        "- ",
        "a: ",
        "? ",
        ": ",
        "&a ",
        "*a",
        "*a\n",
        "<<: *a\n",
        "!!python/object/apply:os.system [id]",
        "!!binary x",
        "!!float x",
        "!!timestamp 9999-99-99",
        "!!set {a}",
        "!!omap [a: 1]",
        "!<tag:yaml.org,2002:int> x",
        "!a%ff ",
        "2001-13-45",
        "9999999999999999-01-01",
        "1:60:60",
        "0x" + "f" * 5000,
        "9" * 5000,
        "1e400",
        ".nan",
        ".inf",
        "-.inf",
        "0b",
        "1_000",
        "~",
        "yes",
        "|\n",
        ">-\n",
        "'",
        '"\\ud800"',
        '"\\x00"',
        '"\\U00110000"',
        "${",
        "${A}",
        "${A:",
        "${:}",
        "${A:${B:}}",
        "%YAML 9.9\n---\n",
        "%TAG ! x\n---\n",
        "---\n",
        "...\n",
        "# x\n",
        "\t",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\ufeff",
        "\x85",
        "\u2028",
        "[" * 2000,
        "{a: " * 2000,
        "a:\n" + "".join(" " * level + "a:\n" for level in range(1, 300)),
        "- " * 3000,
    ]
)
_TEXTS: Final = st.lists(_PIECES | st.text(max_size=5), max_size=12).map("".join)
_ENCODINGS: Final = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32", "latin-1"])
_FILES: Final = (
    st.builds(lambda text, encoding: text.encode(encoding, "replace"), _TEXTS, _ENCODINGS)
    | documents()
    | st.binary(max_size=200)
)
BOMB: Final = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "application.yaml"


def refusal(file: Path, content: bytes, read: Callable[[], object]) -> str | None:
    """What a person is told, if it is refused; any other error is a fault."""
    note(repr(content))
    file.write_bytes(content)
    began = time.perf_counter()
    try:
        read()
    except FastAPIFactoryUtilitiesError as error:
        return str(error)
    finally:
        assert time.perf_counter() - began < HANGS_SECONDS
    return None


@fuzzing(4)
@example(content=BOMB.encode())
@example(content=b"a: !!timestamp x")
@example(content=b"a: &a\n  <<: *a\n")
@example(content=b"[" * 100_000)
@example(content=b"a: " + b"9" * 5000)
@given(content=_FILES)
def test_no_file_makes_the_reader_fail_otherwise(file: Path, content: bytes) -> None:
    assert refusal(file, content, lambda: read_yaml_file(file, {"A": "a"})) != ""


@fuzzing(2)
@given(content=_FILES)
def test_no_file_makes_a_service_start_or_fail_otherwise(file: Path, content: bytes) -> None:
    builder = ApplicationGenericBuilder(application_class=App, plugins=[])
    assert refusal(file, content, builder.add_config_file(file).build) != ""
