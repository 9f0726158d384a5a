"""The door to configuration keeps its promises."""

import subprocess
import sys

from fastapi_factory_utilities.core.app import loading
from fastapi_factory_utilities.core.utils import configs


def test_what_is_promised_is_there() -> None:
    assert sorted(loading.__all__, key=str.casefold) == sorted(set(loading.__all__), key=str.casefold)
    assert all(hasattr(loading, name) for name in loading.__all__)
    assert all(getattr(configs, name) is getattr(loading, name) for name in configs.__all__)


def test_a_configuration_without_yaml_does_not_load_yaml() -> None:
    program = """
import sys
from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.loading import load_config
application = dict(service_namespace="n", service_name="s", description="d", version="1", environment="production")
load_config(package_name="", config_class=RootConfig, env_file=None, overrides={"application": application})
print(*sys.modules)
"""

    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not {"yaml", "pydantic_settings", "dotenv", "difflib"} & set(modules)
