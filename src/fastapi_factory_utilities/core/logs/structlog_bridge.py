"""structlog, if somebody imports it.

Importing structlog is a visible part of a service's start (`benchmarks/bench_logs.py`), above all where `rich` is
installed, and this library does not need its machinery to write a line. So the service's own `structlog.get_logger()`
is served when it comes: at once if structlog is imported already, else at the moment it is.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, Final

__all__ = ["connect", "disconnect", "foreign_logger", "name_of_caller", "run_processors"]

_NAME: Final = "structlog"

_wanted: dict[str, Any] = {}  # what `connect` was called with, while it is in force
_before: dict[str, Any] | None = None  # structlog's configuration before ours, if somebody had made one


def connect(**configuration: Any) -> None:  # noqa: ANN401 - passed on
    """Give structlog this configuration, now or when it is imported.

    Args:
        **configuration: The arguments of `structlog.configure`.
    """
    _wanted.update(configuration)
    structlog = _imported()
    if structlog is not None:
        _configure(structlog)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def name_of_caller(name: str = "", *_: object) -> str:
    """Give the name that `structlog.get_logger` was called with, else the module that uses the logger first."""
    if name:
        return str(name)
    ours = __name__.rpartition(".")[0]
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to walk the stack
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith((ours, _NAME)):
            return module
        frame = frame.f_back
    return ""


def disconnect() -> None:
    """Put structlog back as `connect` found it."""
    global _before  # noqa: PLW0603 - there is one structlog
    was_connected = bool(_wanted)
    _wanted.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    structlog = _imported()
    if structlog is not None and was_connected:
        structlog.reset_defaults()
        if _before is not None:
            structlog.configure(**_before)
    _before = None


def foreign_logger(name: str) -> Any:  # noqa: ANN401 - whatever structlog was configured to give
    """Give structlog's logger of a name if somebody else configured structlog, else `None`."""
    structlog = _imported()
    if structlog is None or not structlog.is_configured():
        return None
    if _is_ours(structlog):
        return None
    return structlog.get_logger(name)


def run_processors(
    processors: Iterable[Callable[[Any, str, Any], Any]],
    logger: object,
    level: str,
    event: object,
    entry: dict[str, Any],
) -> tuple[Any, dict[str, Any]] | None:
    """Let processors of structlog's kind change an event.

    Returns:
        The event and its values; `None` when one of them dropped it. A renderer's text becomes the event.
    """
    from structlog.exceptions import DropEvent  # noqa: PLC0415 - who has processors has imported structlog

    result: Any = {**entry, "event": event}
    try:
        for processor in processors:
            result = processor(logger, level, result)
    except DropEvent:
        return None
    if isinstance(result, dict):
        return result.pop("event", None), result
    return (result.decode("utf-8", "replace") if isinstance(result, bytes | bytearray) else result), {}


def _imported() -> Any:  # noqa: ANN401 - a module, without its types so that nothing is imported for them
    """Give structlog if it is imported to its end."""
    module = sys.modules.get(_NAME)
    return module if hasattr(module, "reset_defaults") and hasattr(module, "get_config") else None


def _configure(structlog: Any) -> None:  # noqa: ANN401 - see above
    global _before  # noqa: PLW0603 - there is one structlog
    if _wanted:
        if _before is None and structlog.is_configured() and not _is_ours(structlog):
            _before = structlog.get_config()
        structlog.configure(**_wanted)


def _is_ours(structlog: Any) -> bool:  # noqa: ANN401 - see above
    """Whether its configuration is the one that `connect` gave it."""
    module: str = structlog.get_config()["wrapper_class"].__module__
    return module.startswith(__name__.rpartition(".")[0])


class _Finder(MetaPathFinder):
    """Waits for `import structlog`, and steps aside."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None  # noqa: ARG002 - protocol
    ) -> ModuleSpec | None:
        if fullname != _NAME:
            return None
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads structlog as its own loader does, and configures it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _configure(module)
