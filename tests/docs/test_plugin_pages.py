"""The tables of keys on the pages of plugins are complete, and have the real defaults."""

import json
import re

import pytest

from fastapi_factory_utilities.core.plugins import PluginConfig
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import OutboxConfig
from fastapi_factory_utilities.core.plugins.redis_plugin import RedisConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqConfig
from tests.docs.pages import DOCS

_ROW = re.compile(r"^\| (?P<keys>`\w+\.\w+`(?:, `\w+\.\w+`)*) \|(?P<default>[^|]*)\|", re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "section", "model"),
    [
        ("messaging.md", "aiopika", AiopikaConfig),
        ("tasks.md", "redis", RedisConfig),
        ("tasks.md", "taskiq", TaskiqConfig),
        ("outbox.md", "outbox", OutboxConfig),
        ("outbox.md", "inbox", InboxConfig),
    ],
)
def test_every_key_of_a_section_is_on_its_page_with_its_default(
    page: str, section: str, model: type[PluginConfig]
) -> None:
    shown: dict[str, str] = {}
    for row in _ROW.finditer((DOCS / page).read_text(encoding="utf-8")):
        for key in re.findall(r"`(\w+)\.(\w+)`", row["keys"]):
            if key[0] == section:
                shown[key[1]] = row["default"].strip()
    real = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            real[name] = "required"
        elif name == "health_check":
            real[name] = ""
        else:
            real[name] = f"`{json.dumps(field.get_default(call_default_factory=True))}`"
    assert shown == real
