"""One YAML file, read the way configuration is."""

from pathlib import Path

import pytest

from fastapi_factory_utilities.core.app.loading import ConfigBuilderError
from fastapi_factory_utilities.core.utils.yaml_reader import read_yaml_file


def test_a_file_becomes_a_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("a: ${A}\nb: ['${B:x}', 2.5, ~]\n")

    assert read_yaml_file(path, {"A": "1"}) == {"a": 1, "b": ["x", 2.5, None]}
    assert read_yaml_file(str(path), {"A": "1"})["a"] == 1


def test_the_environment_of_the_process_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("a: '${FFU_TEST_VALUE}'\n")
    monkeypatch.setenv("FFU_TEST_VALUE", "given")

    assert read_yaml_file(path) == {"a": "given"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\na: 2\nb: ${NO}\n", "has 2 mistakes"),
        ("- a\n", "not a mapping"),
        ("a: " + "x" * 1_100_000, "larger than 1 MiB"),
        (None, "is not there"),
    ],
)
def test_what_is_wrong_is_one_error(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigBuilderError, match=message):
        read_yaml_file(path, {})
