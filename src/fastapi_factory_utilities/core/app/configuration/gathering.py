"""Gathers the variables of all sources: those that set keys, and those that placeholders stand for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from fastapi_factory_utilities.core.app.configuration.files import Sources
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.placeholders import Lookup
from fastapi_factory_utilities.core.app.configuration.variables import Variable

__all__ = ["Variables", "gather_variables"]


class Variables(NamedTuple):
    """Everything that is a name and a text.

    Attributes:
        layers: Secrets, `.env` file and environment: the later one wins.
        lookup: What placeholders stand for.
        config_file: The variable that names a configuration file.
    """

    layers: tuple[list[Variable], ...]
    lookup: Lookup
    config_file: Variable | None


def gather_variables(
    sources: Sources, prefix: str, environ: Mapping[str, str] | None, env_file: Path | None, secrets_dir: Path | None
) -> Variables:
    """Gather the variables of all sources.

    Args:
        sources: Reads them.
        prefix: What the names begin with that set keys.
        environ: The environment; by default the process's own.
        env_file: The `.env` file.
        secrets_dir: The directory with a file for each secret.
    """
    env = [
        Variable(name, value, Origin("env", name=name))
        for name, value in (os.environ if environ is None else environ).items()
    ]
    dotenv = sources.env_file(env_file)
    files = sources.secrets(secrets_dir)
    secrets = [
        Variable(name, text, Origin("secret", name=str(path)))
        for name, path in files.items()
        if name.casefold().startswith(f"{prefix}__".casefold()) and (text := sources.secret(path)) is not None
    ]
    named = {variable.name: variable for variable in (*dotenv, *env)}

    def lookup(name: str) -> str | None:
        if name in named:
            return named[name].value
        return sources.secret(files[name]) if name in files else None

    return Variables((secrets, dotenv, env), lookup, named.get(f"{prefix}_CONFIG_FILE"))
