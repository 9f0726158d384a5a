"""What the sections have in common: their base, and a type with a rule of its own."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["ExistingFile", "Section"]


class Section(FrozenModel):
    """The base of the library's sections; its validator is built when a configuration is, not at import."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


def _must_exist(path: Path) -> Path:
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a null character
        is_file = False
    if not is_file:
        raise broken_rule("there is no such file; a relative path starts at the working directory")
    return path


ExistingFile = Annotated[Path, AfterValidator(_must_exist)]
"""The path of a file that is there when the configuration is read."""
