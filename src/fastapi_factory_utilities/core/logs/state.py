"""Where all loggers of the process write at the moment."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.logs.pipeline import Pipeline

__all__ = ["STATE"]


class _State:
    """Logging belongs to the process, as standard output does."""

    __slots__ = ("pipeline",)

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        """What `configure_logging` made; nothing before."""


STATE: Final = _State()
