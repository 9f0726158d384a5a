"""`Provided`: a typed slot on `app.state` that is a FastAPI dependency at the same time."""

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.plugins.errors import PluginNotActiveError

__all__ = ["Provided"]


class Provided[T]:
    """What a plugin provides while it runs.

    The plugin publishes and withdraws it; routes, WebSockets and services read it::

        mongo = Provided[AsyncDatabase]("odm_database", plugin="ODMPlugin")
        Mongo = Annotated[AsyncDatabase, Depends(mongo)]

    `dependency_overrides[mongo] = ...` replaces it in tests. A family of values of one type has keys:
    `http_client["kratos"]` is a slot, and a dependency, of its own.

    Args:
        name: The attribute on `app.state`.
        plugin: Who provides it, for the error when nobody does.
    """

    def __init__(self, name: str, *, plugin: str) -> None:
        self.name = name
        self.plugin = plugin
        self._keyed: dict[str, Provided[T]] = {}

    def __repr__(self) -> str:
        return f"Provided({self.name!r}, plugin={self.plugin!r})"

    def __getitem__(self, key: str) -> "Provided[T]":
        """Return the slot of one key; the same object every time, so that overrides find it."""
        if key not in self._keyed:
            self._keyed[key] = Provided(f"{self.name}[{key}]", plugin=self.plugin)
        return self._keyed[key]

    async def __call__(self, connection: HTTPConnection) -> T:
        """Be a dependency: give the value of the application that serves this request or WebSocket.

        Async on purpose: FastAPI runs plain functions in a thread, at a far higher price.
        """
        return self.of(connection.app)

    def of(self, app: Starlette) -> T:
        """Return the value, outside of a request.

        Raises:
            PluginNotActiveError: The plugin is not listed, is disabled, or does not run (yet, or any more).
        """
        try:
            value: T = getattr(app.state, self.name)
        except AttributeError:
            raise PluginNotActiveError(
                f"nothing provides {self.name!r}: list {self.plugin} in the builder's plugins, see that its section is "
                f"enabled, and ask only while the application runs",
                plugin=self.plugin,
                provided=self.name,
            ) from None
        return value

    def publish(self, app: Starlette, value: T) -> None:
        """Make the value available.

        Raises:
            ValueError: Something is published here already.
        """
        if hasattr(app.state, self.name):
            raise ValueError(f"{self.name!r} is on app.state already: two plugins provide it, or it was not withdrawn")
        setattr(app.state, self.name, value)

    def withdraw(self, app: Starlette) -> None:
        """Make the value unavailable again; doing it twice is harmless."""
        if hasattr(app.state, self.name):
            delattr(app.state, self.name)
