"""The second hop: one validation of everything, and all its mistakes in one error."""

import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigBuilderError, ConfigProblem
from fastapi_factory_utilities.core.app.configuration.reading import Settings
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.app.configuration.tree import to_plain

__all__ = ["build_config"]


def build_config[ConfigT: RootConfig](settings: Settings[ConfigT]) -> ConfigT:
    """Validate what was read.

    Returns:
        An object of the application's class, with a field for each plugin's section.

    Raises:
        ConfigBuilderError: The configuration is wrong; the error has every mistake, and no value.
    """
    result = _validated(settings)
    if isinstance(result, list):
        # Here and not where it is caught: the errors of pydantic hold the values, so they must not be its context.
        raise ConfigBuilderError([*settings.problems, *_no_file(settings), *result], service=settings.service)
    return result


def _validated[ConfigT: RootConfig](settings: Settings[ConfigT]) -> ConfigT | list[ConfigProblem]:
    try:
        config = settings.model.model_validate(to_plain(settings.tree))
    except ValidationError as error:
        return _explained(error, settings)
    except Exception as error:  # noqa: BLE001 - a validator's own bug; its message and frames may hold values
        return [_of_broken_validator(error)]
    return config if not settings.problems else []


def _no_file(settings: Settings[Any]) -> list[ConfigProblem]:
    """Say that there is no packaged file: it may well be why keys are missing."""
    if (
        not settings.service
        or settings.problems
        or any(Path(source).name == settings.filename for source in settings.sources)
    ):
        return []
    hint = "create it beside the package's __init__.py, unless every value comes from elsewhere"
    return [
        ConfigProblem("", f"there is no such file in the package {settings.service}", Origin(settings.filename), hint)
    ]


def _explained(error: ValidationError, settings: Settings[Any]) -> list[ConfigProblem]:
    from fastapi_factory_utilities.core.app.configuration.explaining import explain  # noqa: PLC0415 - a right
    from fastapi_factory_utilities.core.app.configuration.hints import Hints  # noqa: PLC0415 - configuration needs none

    hints = Hints(Shape((settings.model,)), settings.model.ENV_PREFIX, Origin(settings.filename))
    return explain(error, settings.tree, hints, is_complete=settings.is_complete)


def _of_broken_validator(error: Exception) -> ConfigProblem:
    """Say what raised and where, without its message."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    origin = Origin(Path(frame.filename).name, frame.lineno or 0)
    hint = "correct the validator: it raises ValueError for a value that it does not accept"
    return ConfigProblem("", f"{type(error).__name__} in {frame.name}, which validates the configuration", origin, hint)
