"""A TCP proxy that breaks the line on purpose."""

from fastapi_factory_utilities.testing.proxy.faults import Direction
from fastapi_factory_utilities.testing.proxy.proxy import FaultProxy

__all__ = ["Direction", "FaultProxy"]
