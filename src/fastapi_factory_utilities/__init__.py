"""The production-ready foundation for FastAPI services."""

from typing import Any

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Look the version up when somebody asks: reading package metadata would slow every import down."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - see the docstring

        return version("fastapi-factory-utilities")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
