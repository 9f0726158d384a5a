"""The model of the whole configuration: the application's, and a field for each plugin's section (FR9)."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, create_model

from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.shape import Shape
from fastapi_factory_utilities.core.plugins.config import PluginConfig

__all__ = ["compose_model"]


def compose_model[ConfigT: RootConfig](
    config_class: type[ConfigT], sections: Mapping[str, type[PluginConfig]]
) -> tuple[type[ConfigT], list[ConfigProblem]]:
    """Extend an application's model with the sections that it does not declare itself.

    Args:
        config_class: The application's model.
        sections: What each plugin's section is made of.

    Returns:
        The extended class, or the class itself when there is nothing to add; and the sections that it declares as
        something else.
    """
    problems: list[ConfigProblem] = []
    added: dict[str, Any] = {}
    for name, section_class in sections.items():
        declared = config_class.model_fields.get(name)
        if declared is None:
            description = (section_class.__doc__ or "").partition("\n")[0]
            added[name] = (section_class, Field(description=description))
        elif not any(issubclass(model, section_class) for model in Shape.of(declared.annotation).models):
            hint = f"declare it as `{name}: {section_class.__name__}` or a class that extends it, or name it otherwise"
            origin = Origin(f"class {config_class.__name__}")
            message = f"the field has the name of a plugin's section and is no {section_class.__name__}"
            problems.append(ConfigProblem(name, message, origin, hint))
    if not added:
        return config_class, problems
    model = create_model(
        config_class.__name__,
        __base__=config_class,
        __module__=config_class.__module__,
        __doc__=config_class.__doc__,
        **added,
    )
    return model, problems
