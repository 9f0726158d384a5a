"""Optional dependencies: installed, or one error that says how to install them."""

from importlib.util import find_spec

from fastapi_factory_utilities.core.plugins.errors import MissingExtraError

__all__ = ["require_extra"]


def require_extra(extra: str, *modules: str) -> None:
    """Check that an extra is installed, without importing it.

    Args:
        extra: The extra's name, as in `fastapi-factory-utilities[mongo]`.
        *modules: The top-level modules that come with it.

    Raises:
        MissingExtraError: One of them cannot be found; the message has the install command.
    """
    missing = [module for module in modules if not _is_installed(module)]
    if missing:
        raise MissingExtraError(
            f"{', '.join(missing)} is not installed: run `pip install 'fastapi-factory-utilities[{extra}]'`",
            extra=extra,
            modules=tuple(missing),
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
