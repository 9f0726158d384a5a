"""What `docs/operations.md` says to the person at 2 AM is complete and true."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from fastapi_factory_utilities.core.app import RootConfig
from fastapi_factory_utilities.core.plugins.aiohttp import HttpServiceDependencyConfig
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaConfig
from fastapi_factory_utilities.core.plugins.odm_plugin import ODMConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqConfig
from fastapi_factory_utilities.testing import mongo_server
from tests.docs.newcomer import Newcomer, at_work
from tests.docs.pages import DOCS, ROOT, Block, parse

_PAGE = DOCS / "operations.md"
_TEXT = _PAGE.read_text(encoding="utf-8")
_ROW = re.compile(
    r"^\| [^|]+ \| (?P<number>[\d.]+)(?P<unit> s)?[^|]* \| `(?P<key>\w+\.(?:http\.<name>\.)?[\w.]+)` \|$", re.MULTILINE
)
_SERVE = "python -m fastapi_factory_utilities serve orders.app:AppBuilder &"
# Functions of ours that are given an event, and log it.
_TELLERS = {"tell", "_tell", "_given_up"}


def _events() -> Iterator[Any]:
    """Every event that the library logs above debug, as its source says."""
    for file in (ROOT / "src/fastapi_factory_utilities/core").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="_log"), attr=level), args=[ast.Constant(value=str(event)), *_]
                ) if (level != "debug"):
                    yield event
                case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in _TELLERS:
                    yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def test_every_log_event_is_explained() -> None:
    explained = set(re.findall(r"`([^`]+)`", _TEXT.partition("## Stopping")[0]))
    assert set(_events()) - explained == set()


def test_no_event_is_explained_that_nobody_logs() -> None:
    source = "".join(file.read_text() for file in (ROOT / "src/fastapi_factory_utilities/core").rglob("*.py"))
    cells = re.findall(r"^\| (`[^|]+`) \| [a-z, ]+ \|", _TEXT.partition("## Stopping")[0], re.MULTILINE)
    explained = {event for cell in cells for event in re.findall(r"`([^`]+)`", cell)}
    assert len(explained) > 60
    assert {event for event in explained if f'"{event}"' not in source} == set()


def test_the_table_has_the_real_defaults() -> None:
    sections: dict[str, Any] = {name: field.annotation for name, field in RootConfig.model_fields.items()}
    sections |= {"aiopika": AiopikaConfig, "odm": ODMConfig, "redis": RedisConfig, "taskiq": TaskiqConfig}
    sections |= {"opentelemetry": OpenTelemetryConfig, "dependencies": HttpServiceDependencyConfig}
    rows = list(_ROW.finditer(_TEXT))
    assert len(rows) >= 8
    for row in rows:
        section, _, path = row["key"].replace("http.<name>.", "").partition(".")
        model: type[BaseModel] = sections[section]
        *parts, name = path.split(".")
        for part in parts:
            model = type(model.model_fields[part].get_default(call_default_factory=True))
        default = model.model_fields[name].get_default(call_default_factory=True)
        assert float(row["number"]) == default / (1000 if name.endswith("_ms") else 1), row["key"]


def test_the_budget_of_a_stop_is_divided_as_the_table_says() -> None:
    server = RootConfig.model_fields["server"].get_default(call_default_factory=True)
    assert f"{server.stop_seconds:.1f} s" in _TEXT
    assert f"{server.grace_seconds - server.stop_seconds - 1:.1f} s" in _TEXT  # a second to cancel what is late


@pytest.mark.parametrize("page", [_PAGE, DOCS / "health.md"], ids=lambda page: page.name)
def test_kubernetes_asks_for_what_there_is_and_waits_long_enough(page: Path) -> None:
    pods = []

    def find(block: Block) -> None:
        if block.language == "yaml" and (document := yaml.safe_load(block.text)).get("apiVersion"):
            pods.append(document["spec"].get("template", document)["spec"])

    for example in parse(page, find).examples():
        example.evaluate()
    (pod,) = pods
    (container,) = pod["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert asked == {name: f"/api/v1/sys/{name}" for name in asked}
    given = {variable["name"]: variable.get("value") for variable in container.get("env", [])}
    if grace := given.get("APP__SERVER__GRACE_SECONDS"):
        assert pod["terminationGracePeriodSeconds"] > float(grace)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    """Somebody who has the page's service."""
    with at_work(tmp_path, lambda: mongo_server(private=True), "") as newcomer:

        def write(block: Block) -> None:
            if block.path is not None:
                newcomer.run(block)

        for example in parse(_PAGE, write).examples():
            example.evaluate()
        yield newcomer


def _type(newcomer: Newcomer, *lines: str) -> None:
    newcomer.run(Block("operations.md", 0, "console", "".join(f"{line}\n" for line in lines), None))


def test_status_0_after_a_clean_stop(newcomer: Newcomer) -> None:
    _type(newcomer, f"$ {_SERVE}", "$ kill -TERM %1", "$ echo $?", "0")


def test_status_1_when_a_second_signal_forces_the_end(newcomer: Newcomer) -> None:
    _type(newcomer, f"$ APP__SERVER__DRAIN_SECONDS=20 {_SERVE}")
    service = newcomer.service
    service.send("TERM")
    service.wait_until_said(lambda text: None if '"reason":"draining"' in text else "not draining yet")
    assert service.end("TERM") == 1


def test_status_2_for_a_wrong_set_up(newcomer: Newcomer) -> None:
    _type(newcomer, f"$ APP__SERVER__WORKERS=none {_SERVE}", "$ echo $?", "2")


def test_status_3_when_the_application_cannot_start(newcomer: Newcomer, tmp_path: Path) -> None:
    module = tmp_path / "orders" / "app.py"
    start = "\n    async def on_startup(self) -> None:\n        raise RuntimeError('no')\n"
    module.write_text(module.read_text().replace("    def configure", f"{start}\n    def configure"))
    _type(newcomer, f"$ {_SERVE}", "$ echo $?", "3")
