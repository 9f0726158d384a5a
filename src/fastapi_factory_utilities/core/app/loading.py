"""The door to configuration: files and environment in, one validated object out (FR7-FR11).

::

    settings = read_settings(package_name="my_service", config_class=AppConfig, sections={"odm": ODMConfig})
    config = build_config(settings)

Three hops: `read_settings` reads every source once and remembers where each value came from; `build_config` validates
everything once and tells all mistakes in one `ConfigBuilderError`; a plugin gets its field of the result. `effective`
and `json_schema` are what `config show` and `config schema` print.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.configuration.building import build_config
from fastapi_factory_utilities.core.app.configuration.files import DEFAULT_ENV_FILE, DEFAULT_SECRETS_DIR
from fastapi_factory_utilities.core.app.configuration.masking import masked, secret_values
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigBuilderError, ConfigProblem
from fastapi_factory_utilities.core.app.configuration.reading import Override, Settings, read_settings
from fastapi_factory_utilities.core.app.configuration.showing import Row, effective, json_schema
from fastapi_factory_utilities.core.plugins.config import PluginConfig

__all__ = [
    "DEFAULT_ENV_FILE",
    "DEFAULT_SECRETS_DIR",
    "ConfigBuilderError",
    "ConfigProblem",
    "Origin",
    "Override",
    "Row",
    "Settings",
    "build_config",
    "effective",
    "json_schema",
    "load_config",
    "masked",
    "read_settings",
    "secret_values",
]


def load_config[ConfigT: RootConfig](
    *,
    package_name: str,
    filename: str = "application.yaml",
    config_class: type[ConfigT],
    sections: Mapping[str, type[PluginConfig]] | None = None,
    tolerated_sections: Collection[str] = (),
    external_file: Path | None = None,
    env_file: Path | None = DEFAULT_ENV_FILE,
    secrets_dir: Path | None = DEFAULT_SECRETS_DIR,
    environ: Mapping[str, str] | None = None,
    overrides: Iterable[Override] | Override | None = None,
) -> ConfigT:
    """Read and validate in one step; the arguments are those of `read_settings`.

    Raises:
        ConfigBuilderError: The configuration is wrong; the error has every mistake, and no value.
    """
    return build_config(
        read_settings(
            package_name=package_name,
            filename=filename,
            config_class=config_class,
            sections=sections,
            tolerated_sections=tolerated_sections,
            external_file=external_file,
            env_file=env_file,
            secrets_dir=secrets_dir,
            environ=environ,
            overrides=overrides,
        )
    )
