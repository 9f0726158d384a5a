"""Finding the application: `package.module:AppBuilder`."""

import difflib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from fastapi_factory_utilities.core.app import ApplicationGenericBuilder
from fastapi_factory_utilities.core.exceptions import ApplicationError

__all__ = ["load_builder"]


def load_builder(target: str) -> ApplicationGenericBuilder[Any]:
    """Import what a target names and return a builder.

    The working directory is importable, as it is for `python -m`.

    Args:
        target: `package.module:Name`, where the name is a builder class or a builder.

    Raises:
        ApplicationError: The target cannot be found, cannot be imported, or is no builder.
    """
    module_name, colon, name = target.partition(":")
    if not (module_name and colon and name):
        raise ApplicationError(f"{target!r} names no application: write it as package.module:AppBuilder", target=target)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module = _import(module_name, target)
    try:
        found: object = getattr(module, name)
    except AttributeError:
        near = difflib.get_close_matches(name, vars(module), n=1)
        meant = f"{module_name}:{near[0]}" if near else _in_submodule(module_name, name)
        hint = f"; did you mean {meant}?" if meant else ""
        raise ApplicationError(f"{module_name} has no {name!r}{hint}", target=target) from None
    if isinstance(found, type) and issubclass(found, ApplicationGenericBuilder):
        builder: ApplicationGenericBuilder[Any] = found()
        return builder
    if isinstance(found, ApplicationGenericBuilder):
        return found
    raise ApplicationError(
        f"{target} is no builder: name a class that extends ApplicationGenericBuilder, or an object of one",
        target=target,
    )


def _import(module_name: str, target: str) -> Any:  # noqa: ANN401 - a module's attributes are of any type
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ApplicationError(
                f"cannot find the module {error.name!r} of {target}: check the spelling, install the package, or run "
                f"the command where it can be imported",
                target=target,
            ) from None
        raise _import_failed(module_name, target, error) from error
    except Exception as error:
        raise _import_failed(module_name, target, error) from error


def _in_submodule(module_name: str, name: str) -> str | None:
    """Suggest the module `app` of a package, where applications live by habit."""
    try:
        found = importlib.util.find_spec(f"{module_name}.app")
    except ModuleNotFoundError:  # a plain module has no modules inside
        return None
    return f"{module_name}.app:{name}" if found else None


def _import_failed(module_name: str, target: str, error: Exception) -> ApplicationError:
    """Say what failed and where, in one line; `--debug` shows the rest."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename]
    where = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
    return ApplicationError(
        f"importing {module_name} failed{where}: {type(error).__name__}: {error} (--debug shows the traceback)",
        target=target,
    )
