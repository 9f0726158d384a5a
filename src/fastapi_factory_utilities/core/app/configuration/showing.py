"""The configuration as people and editors see it: `config show` and `config schema`."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from fastapi_factory_utilities.core.app.config import RootConfig
from fastapi_factory_utilities.core.app.configuration.masking import masked
from fastapi_factory_utilities.core.app.configuration.model import compose_model
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigBuilderError, dotted
from fastapi_factory_utilities.core.app.configuration.reading import Settings
from fastapi_factory_utilities.core.app.configuration.shape import accepted_keys
from fastapi_factory_utilities.core.app.configuration.tree import Branch, Items, Leaf, Node
from fastapi_factory_utilities.core.plugins.config import PluginConfig

__all__ = ["Row", "effective", "json_schema"]

_DEFAULT = Origin("default")
_PLACEHOLDER = {"type": "string", "pattern": r"\$\{"}
_NOT_TEXT = {"integer", "number", "boolean"}
_NAMED_SCHEMAS = {"properties", "$defs", "patternProperties"}
_VALUES = {"default", "const", "enum", "examples"}


class Row(NamedTuple):
    """One effective value.

    Attributes:
        path: Its key, such as `server.port`.
        value: Plain data, secrets replaced.
        origin: Where it came from; `default` when nobody said anything.
    """

    path: str
    value: Any
    origin: Origin


def effective(settings: Settings[Any] | None, config: RootConfig) -> tuple[Row, ...]:
    """List every value of a configuration, in the order of the models, with its origin and without secrets.

    Args:
        settings: What was read; without it nothing is known of origins.
        config: What `build_config` made of it.
    """
    return tuple(_rows(config, settings.tree if settings is not None else None, (), ""))


def _rows(value: Any, node: Node | None, path: tuple[str | int, ...], key: str) -> Iterator[Row]:  # noqa: ANN401
    children = list(_children(value, node))
    if children:
        for part, child, child_node in children:
            yield from _rows(child, child_node, (*path, part), part if isinstance(part, str) else key)
    elif path:
        yield Row(dotted(path), masked(value, key), _DEFAULT if node is None else node.origin)


def _children(value: Any, node: Node | None) -> Iterator[tuple[str | int, Any, Node | None]]:  # noqa: ANN401
    """The parts of a value that get rows of their own, each with what was configured for it."""
    branch = node.children if isinstance(node, Branch) else {}
    if isinstance(node, Leaf) and isinstance(node.value, BaseModel):  # a plugin that is switched off
        yield "enabled", False, Leaf(value=False, origin=node.origin)
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            keys = accepted_keys(name, info, type(value))
            yield name, getattr(value, name, None), next((branch[key] for key in keys if key in branch), None)
        for key, item in (value.model_extra or {}).items():
            yield key, item, branch.get(key)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key), item, branch.get(str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, BaseModel | Mapping) for item in value):
        items = node.items if isinstance(node, Items) else ()
        for index, item in enumerate(value):
            yield index, item, items[index] if index < len(items) else None


class _EditorSchema(GenerateJsonSchema):
    """Leaves out what JSON Schema cannot say, rather than failing or warning."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's attribute

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ANN401, ARG002 - pydantic's signature
        error_info: str,  # noqa: ARG002 - the same
    ) -> JsonSchemaValue:
        return {}


def json_schema(
    config_class: type[RootConfig], sections: Mapping[str, type[PluginConfig]] | None = None
) -> dict[str, Any]:
    """Make the JSON Schema of a configuration file, for editors.

    A file is one source among several, so nothing is required in it; and a placeholder may stand for any value.

    Args:
        config_class: The application's model.
        sections: The sections of the active plugins.

    Raises:
        ConfigBuilderError: The application's model declares a plugin's section as something else.
    """
    model, problems = compose_model(config_class, sections or {})
    if problems:
        raise ConfigBuilderError(problems)
    schema: dict[str, Any] = _for_files(model.model_json_schema(schema_generator=_EditorSchema))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _for_files(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Relax a schema, and those inside of it."""
    if isinstance(schema, list):
        return [_for_files(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS:
            relaxed[key] = {name: _for_files(item) for name, item in value.items()}
        elif key in _VALUES:
            relaxed[key] = value
        elif key != "required":
            relaxed[key] = _for_files(value)
    if relaxed.get("type") in _NOT_TEXT or "enum" in relaxed or "const" in relaxed:
        outer = {key: relaxed.pop(key) for key in ("title", "description", "default", "examples") if key in relaxed}
        return {**outer, "anyOf": [relaxed, _PLACEHOLDER]}
    return relaxed
