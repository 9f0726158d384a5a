"""Configuration files in packages that exist for one test."""

import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest

MakePackage = Callable[[Mapping[str, str]], str]

_numbers = count()


@pytest.fixture
def make_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePackage]:
    """Make an importable package with files; returns its name."""
    made: list[str] = []

    def make(files: Mapping[str, str]) -> str:
        name = f"configured_service_{next(_numbers)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        for filename, content in files.items():
            path = folder / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)
