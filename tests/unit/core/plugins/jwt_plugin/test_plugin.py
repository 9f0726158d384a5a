"""What the plugin is before any provider; how it runs is in tests/integration/jwt."""

import json
import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.plugins import PluginAbstract, jwt_plugin
from fastapi_factory_utilities.core.plugins.jwt_plugin import JWTIssuerConfig, JWTPlugin, JWTPluginConfig
from fastapi_factory_utilities.core.security.jwt import sources
from tests.docs.pages import DOCS

ENTRY = {"issuer": "https://login.example", "audience": "books"}


@pytest.mark.parametrize("package", [jwt_plugin, sources], ids=["plugin", "sources"])
def test_every_promised_name_is_there_and_the_promise_is_sorted(package: object) -> None:
    promised = list(package.__all__)  # type: ignore[attr-defined]  # any package
    assert promised == sorted(promised)
    for name in promised:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = package.nowhere  # type: ignore[attr-defined]  # likewise


def test_it_is_a_plugin_with_a_section() -> None:
    assert issubclass(JWTPlugin, PluginAbstract)
    assert (JWTPlugin.section, JWTPlugin.config_class) == ("jwt", JWTPluginConfig)


def test_an_entry_trusts_its_own_issuer_and_nobody_else() -> None:
    with_commas = {**ENTRY, "issuer": "shop,staff", "jwks_url": "https://login.example/keys"}
    assert JWTIssuerConfig.model_validate(ENTRY).authorized_issuers == ("https://login.example",)
    assert JWTIssuerConfig.model_validate(with_commas).authorized_issuers == ("shop,staff",)
    with pytest.raises(ValidationError, match="an entry of its own"):
        JWTIssuerConfig.model_validate({**ENTRY, "authorized_issuers": ["https://login.example", "https://b"]})


def test_two_entries_of_one_issuer_are_refused() -> None:
    with pytest.raises(ValidationError, match="customers and staff have the same issuer"):
        JWTPluginConfig.model_validate(
            {"issuers": {"customers": ENTRY, "staff": ENTRY, "b": {**ENTRY, "issuer": "https://b"}}}
        )


def test_every_key_of_an_entry_is_on_its_page_with_its_default() -> None:
    page = (DOCS / "key-sources.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))
    fields = {name: field for name, field in JWTIssuerConfig.model_fields.items() if name != "authorized_issuers"}
    expected = {
        name: "required" if field.is_required() else f"`{json.dumps(field.default)}`" for name, field in fields.items()
    }
    assert shown == expected


def test_importing_it_needs_no_library_and_using_it_says_how_to_install_them() -> None:
    program = """
import sys
for name in ("joserfc", "cryptography", "aiohttp"):
    sys.modules[name] = None
from fastapi_factory_utilities.core.plugins import MissingExtraError
from fastapi_factory_utilities.core.plugins.jwt_plugin import JWTPlugin, JWTPluginConfig
from fastapi_factory_utilities.core.security.jwt import sources
JWTPluginConfig(issuers={"a": {"issuer": "https://login.example", "audience": "books"}})
for use in (JWTPlugin().on_load, lambda: sources.JWKStoreRemote, lambda: sources.KeySource):
    try:
        use()
    except MissingExtraError as error:
        assert "fastapi-factory-utilities[jwt]" in str(error), error
    else:
        raise SystemExit("nothing was said")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
