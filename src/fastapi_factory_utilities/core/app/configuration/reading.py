"""The first hop: every source is read once, and merged into one tree whose values know where they came from."""

import re
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import reduce
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.configuration.files import DEFAULT_ENV_FILE, DEFAULT_SECRETS_DIR, Sources
from fastapi_factory_utilities.core.app.configuration.gathering import gather_variables
from fastapi_factory_utilities.core.app.configuration.model import compose_model
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.resolving import Resolver
from fastapi_factory_utilities.core.app.configuration.shape import Shape, accepted_keys
from fastapi_factory_utilities.core.app.configuration.tree import (
    Branch,
    Leaf,
    Node,
    TooDeepError,
    from_plain,
    merge,
)
from fastapi_factory_utilities.core.app.configuration.variables import Variable, read_variables
from fastapi_factory_utilities.core.plugins.config import PluginConfig

__all__ = ["Override", "Settings", "read_settings"]

Override = RootConfig | Mapping[str, Any]

_CODE: Final = Origin("add_config()")
_ENVIRONMENT: Final = ("application", "environment")


class Settings[ConfigT: RootConfig](NamedTuple):
    """Everything that was configured, merged and not validated.

    Attributes:
        model: What it will be validated by: the application's model with the plugins' sections.
        tree: The values and their origins.
        problems: What was wrong while reading; `build_config` tells them along with its own.
        is_complete: Whether all sources could be read.
        sources: The names of the files that were read, lowest precedence first.
        filename: Where people add what is missing.
        service: What to call the service in messages.
    """

    model: type[ConfigT]
    tree: Branch
    problems: tuple[ConfigProblem, ...]
    is_complete: bool
    sources: tuple[str, ...]
    filename: str
    service: str


def read_settings[ConfigT: RootConfig](
    *,
    package_name: str,
    filename: str = "application.yaml",
    config_class: type[ConfigT],
    sections: Mapping[str, type[PluginConfig]] | None = None,
    switches: Mapping[str, Collection[frozenset[str]]] | None = None,
    tolerated_sections: Collection[str] = (),
    external_file: Path | None = None,
    env_file: Path | None = DEFAULT_ENV_FILE,
    secrets_dir: Path | None = DEFAULT_SECRETS_DIR,
    environ: Mapping[str, str] | None = None,
    overrides: Iterable[Override] | Override | None = None,
) -> Settings[ConfigT]:
    """Read all sources of a configuration; mistakes are collected, not raised.

    Precedence, low to high: the models' defaults, the packaged file, the packaged file of the environment, the external
    file, the secrets directory, the `.env` file, the environment, code.

    Args:
        package_name: The package that holds the file; empty when there is none.
        filename: The packaged file; it need not be there.
        config_class: The application's model.
        sections: The sections of the active plugins.
        switches: For a section, the further sections of each plugin that reads it: when each of these plugins is
            switched off by one of them, nothing is asked of the section.
        tolerated_sections: Sections that may be there without a reader, such as those of plugins left out today.
        external_file: A file that has to be there; by default the one that `{ENV_PREFIX}_CONFIG_FILE` names.
        env_file: The `.env` file; `None` for none. Only the default one may be missing.
        secrets_dir: A directory with a file for each secret; `None` for none. Only the default one may be missing.
        environ: The environment; by default the process's own.
        overrides: What code sets, lowest precedence first: mappings, or models of which the given fields count.

    Raises:
        ModuleNotFoundError: The package imports something that is not installed.
    """
    sections = sections or {}
    model, problems = compose_model(config_class, sections)
    shape = Shape((model,))
    prefix = config_class.ENV_PREFIX
    sources = Sources()
    folder = sources.package(package_name)
    packaged = sources.packaged(folder, filename)

    variables = gather_variables(sources, prefix, environ, env_file, secrets_dir)
    external = _external(sources, external_file, variables.config_file)
    given: list[Branch] = []
    for layer in variables.layers:
        tree, mistakes = read_variables(layer, prefix, shape)
        given.append(tree)
        problems += mistakes
    code = _code(overrides, problems)

    everything = _merged(packaged, external, given, code)
    environment = _environment(everything, shape, Resolver(variables.lookup))
    if environment is not None and folder is not None:
        special = sources.packaged(folder, _filename_of(filename, environment))
        everything = _merged(merge(packaged, special), external, given, code)
        if _environment(everything, shape, Resolver(variables.lookup)) != environment:
            hint = "remove the key: the file is read because of its value"
            origin = Origin(_filename_of(filename, environment))
            problems.append(ConfigProblem(".".join(_ENVIRONMENT), "chooses another environment", origin, hint))
    relevant = _without(everything, set(tolerated_sections) - model.model_fields.keys())
    resolver = Resolver(variables.lookup)
    tree = resolver.sections(_with_sections(relevant, model, sections), shape, sections.keys(), switches or {})
    return Settings(
        model=model,
        tree=tree,
        problems=(*problems, *sources.problems, *resolver.problems),
        is_complete=sources.is_complete,
        sources=tuple(sources.read),
        filename=filename,
        service=package_name,
    )


def _external(sources: Sources, path: Path | None, variable: Variable | None) -> Branch:
    if path is not None:
        return sources.external(path, Origin(str(path)))
    if variable is not None and variable.value:
        return sources.external(Path(variable.value), variable.origin)
    return Branch({}, {}, Origin(""))


def _code(overrides: Iterable[Override] | Override | None, problems: list[ConfigProblem]) -> list[Branch]:
    if overrides is None:
        return []
    single = isinstance(overrides, RootConfig | Mapping)
    trees: list[Branch] = []
    for override in [overrides] if single else overrides:
        try:
            tree = from_plain(override, _CODE)
        except TooDeepError:
            problems.append(ConfigProblem("", "too many levels, or a mapping that contains itself", _CODE))
        else:
            trees += [tree] if isinstance(tree, Branch) else []
    return trees


def _merged(packaged: Branch, external: Branch, variables: Iterable[Branch], code: Iterable[Branch]) -> Branch:
    tree = merge(packaged, external)
    for upper in variables:
        tree = merge(tree, upper, loose=True)
    return reduce(merge, code, tree)


def _environment(tree: Branch, shape: Shape, resolver: Resolver) -> str | None:
    """The environment that the sources, or the model's default, say; `None` when it cannot name a file."""
    node: Node | None = tree
    for key in _ENVIRONMENT:
        info = shape.fields.get(key)
        node = node.children.get(key) if isinstance(node, Branch) else None
        shape = shape.child(key)
    value: object = info.get_default() if info else None
    if node is not None:
        leaf = resolver.node(node, shape, ())
        value = leaf.value if isinstance(leaf, Leaf) else None
    if isinstance(value, Enum):
        value = value.value
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]+", value) else None


def _filename_of(filename: str, environment: str) -> str:
    path = PurePosixPath(filename)
    return str(path.with_name(f"{path.stem}-{environment}{path.suffix}"))


def _without(tree: Branch, keys: Collection[str]) -> Branch:
    return Branch({key: child for key, child in tree.children.items() if key not in keys}, tree.keys, tree.origin)


def _with_sections(tree: Branch, model: type[RootConfig], sections: Collection[str]) -> Branch:
    """Add what no source has: plugins' and required sections, so that what is missing in them can be told by key."""
    children = dict(tree.children)
    for name, info in model.model_fields.items():
        shape = Shape.of(info.annotation)
        keys = accepted_keys(name, info, model)
        wanted = name in sections or (info.is_required() and shape.models and not shape.accepts_none)
        if keys and wanted and not any(key in children for key in keys):
            children[keys[0]] = Branch({}, {}, Origin("default"))
    return Branch(children, tree.keys, tree.origin)
