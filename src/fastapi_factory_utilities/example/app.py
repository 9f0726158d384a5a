"""The application and its builder."""

from typing import ClassVar

from beanie import Document

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.odm_plugin import ODMPlugin
from fastapi_factory_utilities.example.api import router
from fastapi_factory_utilities.example.models.books import BookDocument

__all__ = ["App", "AppBuilder"]


class App(ApplicationAbstract[RootConfig]):
    """Keeps books."""

    PACKAGE_NAME: ClassVar[str] = "fastapi_factory_utilities.example"
    ODM_DOCUMENT_MODELS: ClassVar[list[type[Document]]] = [BookDocument]

    def configure(self) -> None:
        """Register the routes."""
        self.get_asgi_app().include_router(router)


class AppBuilder(ApplicationGenericBuilder[App]):
    """Builds the Books service with its plugins."""

    def get_default_plugins(self) -> list[PluginAbstract]:
        """Return the plugins of the service."""
        return [ODMPlugin()]
