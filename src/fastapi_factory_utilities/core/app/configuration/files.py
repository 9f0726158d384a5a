"""Finds and reads the files that a configuration consists of."""

import importlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.tree import MAX_BYTES, Branch
from fastapi_factory_utilities.core.app.configuration.variables import Variable

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["DEFAULT_ENV_FILE", "DEFAULT_SECRETS_DIR", "Sources"]

DEFAULT_ENV_FILE: Final = Path(".env")
DEFAULT_SECRETS_DIR: Final = Path("/run/secrets")


class Sources:
    """Reads the sources that are not code, and remembers which there were and what was wrong with them.

    Attributes:
        read: What was found and read, in the order of reading.
        problems: What was wrong.
        is_complete: Whether everything that was asked for could be read.
    """

    def __init__(self) -> None:
        self.read: list[str] = []
        self.problems: list[ConfigProblem] = []
        self.is_complete: bool = True

    def package(self, name: str) -> "Traversable | None":
        """The folder of a package's files, in a directory or in an archive; imports the package."""
        from importlib.resources import files  # noqa: PLC0415 - only a packaged file needs it

        if not name:
            return None
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # the package is there, and something that it imports is not
        except (TypeError, ValueError):  # no name of a package at all
            pass
        else:
            return files(module) if module.__spec__ else None
        hint = "set PACKAGE_NAME of the application to the package that holds its configuration file"
        self._fail(ConfigProblem("", "there is no such package", Origin(f"PACKAGE_NAME {name}"), hint))
        return None

    def packaged(self, folder: "Traversable | None", filename: str) -> Branch:
        """Read a YAML file from a package; that it is not there is fine."""
        file = None if folder is None else folder.joinpath(filename)
        return _nothing(filename) if file is None or not file.is_file() else self._yaml(file, filename)

    def external(self, path: Path, origin: Origin) -> Branch:
        """Read a YAML file that somebody named; it has to be there."""
        try:
            path = path.expanduser()
            is_there = path.exists() and not path.is_dir()
        except (OSError, ValueError, RuntimeError):  # an impossible name, or no home directory
            is_there = False
        if is_there:
            return self._yaml(path, str(path))
        self._missing("the configuration file", origin)
        return _nothing(str(path))

    def env_file(self, path: Path | None) -> list[Variable]:
        """Read a `.env` file as python-dotenv does; the default one need not be there."""
        if path is None:
            return []
        if not path.is_file():
            if path != DEFAULT_ENV_FILE:
                self._missing("the env file", Origin(str(path)))
            return []
        text = self._text(path, str(path))
        self.read.append(str(path))
        return [] if text is None else list(self._bindings(text, str(path)))

    def secrets(self, folder: Path | None) -> dict[str, Path]:
        """List a directory that has a file for each secret, named like the variable; the default one may be missing."""
        if folder is None or (folder == DEFAULT_SECRETS_DIR and not os.access(folder, os.R_OK | os.X_OK)):
            return {}
        try:
            return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
        except OSError:
            self._missing("the secrets directory", Origin(str(folder)))
            return {}

    def secret(self, path: Path) -> str | None:
        """Read a secret; the line end that editors put at the end of a file is not a part of it."""
        text = self._text(path, f"secret {path}")
        return None if text is None else text.rstrip("\r\n")

    def _yaml(self, file: "Path | Traversable", name: str) -> Branch:
        from fastapi_factory_utilities.core.app.configuration.yaml_reader import read_yaml  # noqa: PLC0415 - see `core`

        data = self._bytes(file, name)
        if data is None:
            return _nothing(name)
        self.read.append(name)
        tree, problems = read_yaml(data, name)
        self.problems += problems
        self.is_complete = self.is_complete and not problems
        return tree

    def _bindings(self, text: str, name: str) -> Iterator[Variable]:
        from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file
        from dotenv.parser import parse_stream  # noqa: PLC0415 - the same

        lines: dict[str, int] = {}
        for binding in parse_stream(io.StringIO(text)):
            if binding.error:
                line = Origin(name, binding.original.line)
                self._fail(ConfigProblem("", "a line that is not NAME=value", line, "put the value in quotes"))
                return
            if binding.key is not None:
                before = binding.original.string[: -len(binding.original.string.lstrip())]
                lines[binding.key] = binding.original.line + before.count("\n")
        for key, value in dotenv_values(stream=io.StringIO(text)).items():
            if value is not None:
                yield Variable(key, value, Origin(name, lines[key], name=key))

    def _text(self, file: Path, name: str) -> str | None:
        data = self._bytes(file, name)
        if data is None:
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._fail(ConfigProblem("", "not UTF-8", Origin(name), "save the file as UTF-8"))
            return None

    def _bytes(self, file: "Path | Traversable", name: str) -> bytes | None:
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            hint = "give the user of this process the right to read it"
            self._fail(ConfigProblem("", f"the file cannot be read: {error.strerror}", Origin(name), hint))
            return None
        if len(data) > MAX_BYTES:
            hint = "a configuration is small: keep data in files of their own"
            self._fail(ConfigProblem("", "the file is larger than 1 MiB", Origin(name), hint))
            return None
        return data

    def _missing(self, what: str, origin: Origin) -> None:
        hint = "correct the path, or make it readable; a relative path starts at the working directory"
        self._fail(ConfigProblem("", f"{what} is not there", origin, hint))

    def _fail(self, problem: ConfigProblem) -> None:
        self.problems.append(problem)
        self.is_complete = False


def _nothing(source: str) -> Branch:
    return Branch({}, {}, Origin(source))
