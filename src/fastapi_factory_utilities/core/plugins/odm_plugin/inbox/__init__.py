"""Which messages were processed, remembered in MongoDB.

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.inbox import Claim, Inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.config import InboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.plugin import InboxPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.provided import depends_inbox

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.inbox import MongoInbox, Once

__all__ = ["Claim", "Inbox", "InboxConfig", "InboxPlugin", "MongoInbox", "Once", "depends_inbox"]

_NEED_THE_DRIVER = {"MongoInbox": "inbox", "Once": "inbox"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(f"{__name__}.{_NEED_THE_DRIVER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
