"""Read one YAML file the way configuration is read: placeholders replaced, hostile content refused quickly."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi_factory_utilities.core.app.configuration.files import Sources
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigBuilderError
from fastapi_factory_utilities.core.app.configuration.resolving import Resolver
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import to_plain

__all__ = ["read_yaml_file"]


def read_yaml_file(path: str | Path, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read a file whose content is a mapping.

    Args:
        path: The file.
        environ: What placeholders stand for; by default the environment of the process.

    Raises:
        ConfigBuilderError: The file is not there, cannot be read, or is wrong; the error has every mistake.
    """
    sources = Sources()
    tree = sources.external(Path(path), Origin(str(path)))
    resolver = Resolver((os.environ if environ is None else environ).get)
    resolved = resolver.node(tree, Shape(), ())
    if sources.problems or resolver.problems:
        raise ConfigBuilderError([*sources.problems, *resolver.problems])
    result: dict[str, Any] = to_plain(resolved)
    return result
