"""The tables of keys on the pages of plugins are complete, and have the real defaults."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from fastapi_factory_utilities.core.plugins import PluginConfig
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import OutboxConfig
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqConfig
from tests.docs.pages import DOCS, ROOT

_KEY = r"`\w+(?:\.\w+)+`"
_ROW = re.compile(rf"^\| (?P<keys>{_KEY}(?:, {_KEY})*) \|(?P<default>[^|]*)\|", re.MULTILINE)
_CORE = ROOT / "src/fastapi_factory_utilities/core"
_VARIABLE = re.compile(r"OTEL_\w+")
_ATTRIBUTE = re.compile(r"(code|db|exception|http|messaging|network|server|client|taskiq|url|user_agent)(\.[a-z_]+)+")
_ASGI = re.compile(r"http\.(disconnect|request|response\.(start|body|trailers|debug|pathsend|zerocopysend))")


def _defaults(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a section with its default, as pages write them; those of its parts, too."""
    for name, field in model.model_fields.items():
        if field.is_required():
            yield above + name, "required"
        elif name == "health_check":
            yield above + name, ""
        else:
            default = field.get_default(call_default_factory=True)
            if isinstance(default, BaseModel):
                yield from _defaults(type(default), f"{above}{name}.")
            else:
                yield above + name, f"`{json.dumps(default)}`"


@pytest.mark.parametrize(
    ("page", "section", "model"),
    [
        ("messaging.md", "aiopika", AiopikaConfig),
        ("tasks.md", "redis", RedisConfig),
        ("tasks.md", "taskiq", TaskiqConfig),
        ("outbox.md", "outbox", OutboxConfig),
        ("outbox.md", "inbox", InboxConfig),
        ("telemetry.md", "opentelemetry", OpenTelemetryConfig),
    ],
)
def test_every_key_of_a_section_is_on_its_page_with_its_default(
    page: str, section: str, model: type[PluginConfig]
) -> None:
    shown: dict[str, str] = {}
    for row in _ROW.finditer((DOCS / page).read_text(encoding="utf-8")):
        for key in re.findall(_KEY, row["keys"]):
            its_section, _, name = key.strip("`").partition(".")
            if its_section == section:
                shown[name] = row["default"].strip()
    assert shown == dict(_defaults(model))


def _texts(*files: Path) -> set[str]:
    """Every text that stands alone in the code of files."""
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_variable_that_is_read_is_on_the_page_about_telemetry() -> None:
    read = _texts(*(_CORE / "plugins/opentelemetry_plugin").rglob("*.py"))
    page = (DOCS / "telemetry.md").read_text(encoding="utf-8")

    variables = {text for text in read if _VARIABLE.fullmatch(text)}

    assert len(variables) > 25
    assert set(_VARIABLE.findall(page)) == variables


def test_every_attribute_is_on_the_page_about_telemetry() -> None:
    page = (DOCS / "telemetry.md").read_text(encoding="utf-8")

    set_somewhere = {text for text in _texts(*_CORE.rglob("*.py")) if _ATTRIBUTE.fullmatch(text)}

    assert len(set_somewhere) > 40
    assert {text for text in set_somewhere if not _ASGI.fullmatch(text)} - set(re.findall(r"`([\w.]+)`", page)) == set()


def test_every_metric_is_on_the_page_about_telemetry() -> None:
    metric = re.compile(r"(http|db|messaging)\.(\w+\.)+(duration|active_requests|messages)")
    page = (DOCS / "telemetry.md").read_text(encoding="utf-8").partition("## Metrics")[2].partition("\n## ")[0]

    measured = {text for text in _texts(*_CORE.rglob("*.py")) if metric.fullmatch(text)}

    assert len(measured) > 5
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == measured
