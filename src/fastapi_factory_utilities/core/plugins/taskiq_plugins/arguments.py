"""A task's arguments on their way: to JSON when it is sent, and back to what its function asks for when it runs."""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import PydanticSerializationError

from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskArgumentsError, TaskDefinitionError

__all__ = ["Arguments"]

# Bytes of any kind come back as they were.
_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants", extra="forbid")
_WITHOUT_A_NAME = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY,
)


class Arguments:
    """What one task takes, and what it returns.

    Args:
        name: The task's, for errors.
        signature: The parameters that its caller gives.

    Raises:
        TaskDefinitionError: A parameter, or the result, is of a type that cannot travel.
    """

    def __init__(self, name: str, signature: inspect.Signature) -> None:
        self._name = name
        self._signature = signature
        for given in signature.parameters.values():
            if given.kind in _WITHOUT_A_NAME:
                raise TaskDefinitionError(
                    f"task {name}: its parameter {given.name} cannot be given by name: name each of its parameters, "
                    f"and leave out *, ** and /",
                    task=name,
                )
            if given.default is ...:
                raise TaskDefinitionError(
                    f"task {name}: its parameter {given.name} is to be injected, but does not say what: "
                    f"Annotated[..., Depends(...)]",
                    task=name,
                )
        self._fields = {given.name: f"field_{index}" for index, given in enumerate(signature.parameters.values())}
        shape: dict[str, Any] = {self._fields[given.name]: _field(given) for given in signature.parameters.values()}
        returns = signature.return_annotation
        try:
            self._model: type[BaseModel] = create_model("Arguments", __config__=_CONFIG, **shape)
            self._result: TypeAdapter[Any] = TypeAdapter(Any if returns is inspect.Signature.empty else returns)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise TaskDefinitionError(
                f"task {name}: its parameters and its result must be of types that pydantic knows, and what it depends "
                f"on must be Depends: {error.message.splitlines()[0]}",
                task=name,
            ) from None

    @property
    def return_type(self) -> Any:  # noqa: ANN401 - an annotation
        """What the task returns, as far as it says so."""
        returns = self._signature.return_annotation
        return None if returns is inspect.Signature.empty else returns

    def dump(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Make JSON of what a caller gives.

        Raises:
            TypeError: The function has no such parameters, or needs more.
            TaskArgumentsError: A value does not fit its parameter.
        """
        given = self._bind(args, kwargs)
        try:
            found = self._model.model_validate(given)
            dumped: dict[str, Any] = found.model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValidationError as error:
            raise self._wrong(_problems(error)) from None
        except (PydanticSerializationError, UnicodeDecodeError):
            raise self._wrong("a value that has no JSON form") from None
        return dumped

    def load(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Make what the function asks for of JSON.

        Raises:
            TaskArgumentsError: It does not fit the function.
        """
        try:
            found = self._model.model_validate_json(json.dumps(self._bind(args, kwargs)))
        except ValidationError as error:
            raise self._wrong(_problems(error)) from None
        except TypeError as error:
            raise self._wrong(str(error)) from None
        return {name: getattr(found, field) for name, field in self._fields.items() if field in found.model_fields_set}

    def dump_result(self, value: Any) -> Any:  # noqa: ANN401 - any result
        """Make JSON of what the function returned.

        Raises:
            TaskArgumentsError: It has no JSON form.
        """
        try:
            return self._result.dump_python(value, mode="json", warnings="none")
        except (PydanticSerializationError, UnicodeDecodeError):
            raise TaskArgumentsError(
                f"task {self._name}: what it returned, a {type(value).__name__}, has no JSON form: return something "
                f"that pydantic can write, or nothing",
                task=self._name,
            ) from None

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return self._signature.bind(*args, **kwargs).arguments

    def _wrong(self, problems: str) -> TaskArgumentsError:
        return TaskArgumentsError(
            f"task {self._name}: its arguments do not fit: {problems}", task=self._name, problems=problems
        )


def _field(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """A field of a model; the parameter's name is its alias, since models keep some names for themselves."""
    annotation = Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation
    is_needed = parameter.default is inspect.Parameter.empty
    return annotation, Field(... if is_needed else None, alias=parameter.name)


def _problems(error: ValidationError) -> str:
    """Places and kinds; never a value."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['type']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )
