"""What pages claim without running it: make targets, extras, options, configuration, links, import paths."""

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, ConfigBuilderError
from fastapi_factory_utilities.core.app.loading import build_config
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin import ODMPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin
from tests.docs.pages import ROOT, Block

__all__ = [
    "SET_UP",
    "broken_links",
    "check_command",
    "check_configuration",
    "check_data",
    "import_paths",
    "is_configuration",
    "resolves",
]

SET_UP = re.compile(r"(git clone|make|pip install|uv (add|pip install)|poetry add|python -m venv|\.|source) .+")
"""Commands that set a machine up: they are checked, not run."""

_PACKAGE = "fastapi-factory-utilities"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_IMPORT_PATH = re.compile(r"\bfastapi_factory_utilities(?:\.\w+)+")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def check_command(command: str) -> None:
    """Check what a command names: the make target, the extra.

    Raises:
        AssertionError: There is no such thing.
    """
    words = shlex.split(command.removesuffix("&"))
    if words[0] == "make":
        skipped = {words[index + 1] for index, word in enumerate(words) if word == "-C"}
        targets = [word for word in words[1:] if word[0] != "-" and "=" not in word and word not in skipped]
        known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert targets, f"{command!r} names no target"
        assert set(targets) <= known, f"{command!r}: the Makefile has no such target"
    for name, extras in re.findall(r"(fastapi[-_]factory[-_]utilities)(?:\[([\w,-]+)\])?(?=['\"\s]|$)", command):
        if extras:
            assert name == _PACKAGE, f"{command!r}: the distribution's name is {_PACKAGE}"
            assert set(extras.split(",")) <= _project()["optional-dependencies"].keys(), f"{command!r}: no such extra"


def check_data(block: Block) -> None:
    """Check that a block of YAML or TOML can be read.

    Raises:
        AssertionError: It cannot.
    """
    if block.language == "toml":
        tomllib.loads(block.text)
    else:
        assert [document for document in yaml.safe_load_all(block.text) if document], f"{block}: an empty document"


def is_configuration(block: Block) -> bool:
    """Whether a block is an `application.yaml`, or a part of one, and not something for another program."""
    if block.language != "yaml":
        return False
    document: Mapping[str, object] = next(iter(yaml.safe_load_all(block.text)))
    return not document.keys() & {"apiVersion", "services", "jobs", "repos"}


def check_configuration(block: Block, folder: Path) -> None:
    """Validate configuration as the service of the page would, or as a service with every plugin would.

    A file that has `wrong` in its name must be refused.

    Raises:
        AssertionError: It is wrong, or right and called wrong.
    """
    document = next(iter(yaml.safe_load_all(block.text)))
    file = folder / f".{block.page}-{block.line}.yaml"
    file.write_text(block.text)
    given = document.get("application") or {}
    builder = _builder_for(document, folder).add_config_file(file)
    builder.add_config({"application": {key: value for key, value in _APPLICATION.items() if key not in given}})
    told = ""
    with pytest.MonkeyPatch.context() as environment:
        for name in re.findall(r"\$\{(\w+)\}", block.text):
            environment.setenv(name, _VALUES.get(name, "value"))
        try:
            build_config(builder.read_settings())
        except ConfigBuilderError as error:
            told = str(error)
    if "wrong" in (block.path or ""):
        assert told, f"{block}: this configuration is meant to be wrong, and is taken for good"
    else:
        assert not told, f"{block}: this configuration is refused:\n{told}"


_VALUES = {
    "AMQP_URL": "amqp://localhost:5672",
    "MONGO_URI": "mongodb://localhost:27017",
    "REDIS_URL": "redis://localhost:6379",
}
_APPLICATION = {
    "service_namespace": "docs",
    "service_name": "page",
    "description": "A part of a configuration file.",
    "version": "0",
    "environment": "production",
}


def _builder_for(document: Mapping[str, object], folder: Path) -> Any:
    """A builder like that of the page, or one with the plugins that are configured; it reads no other file."""
    for module in folder.rglob("app.py"):
        if "class AppBuilder" in module.read_text():
            name = ".".join(module.relative_to(folder).with_suffix("").parts).removeprefix("src.")
            its = importlib.import_module(name).AppBuilder()
            application_class, plugins = its.application_class, its.get_default_plugins()
            break
    else:
        application_class, plugins = ApplicationAbstract, [*_plugins_for(document)]
    alone = type("Page", (application_class,), {"PACKAGE_NAME": ""})
    return ApplicationGenericBuilder(plugins=plugins, application_class=alone)


def _plugins_for(document: Mapping[str, object]) -> Iterator[PluginAbstract[Any]]:
    if "odm" in document:
        yield ODMPlugin()
    if "aiopika" in document:
        yield AiopikaPlugin()
    if "taskiq" in document:
        yield TaskiqPlugin("page")
    elif "redis" in document:
        yield RedisPlugin()
    if "opentelemetry" in document:
        yield OpenTelemetryPlugin()


def broken_links(page: Path) -> Iterator[str]:
    """The relative links of a page that lead nowhere."""
    for link in _LINK.findall(_without_code(page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            yield link


def import_paths(page: Path) -> list[str]:
    """Every import path of the library that a page mentions."""
    return sorted(set(_IMPORT_PATH.findall(page.read_text(encoding="utf-8"))))


def resolves(path: str) -> bool:
    """Whether a dotted path leads to a module, or to something in one."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(_without_code(page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project
