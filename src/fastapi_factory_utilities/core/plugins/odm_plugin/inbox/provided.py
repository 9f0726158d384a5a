"""What `InboxPlugin` provides while it runs; a FastAPI dependency."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.inbox import MongoInbox

__all__ = ["depends_inbox"]

depends_inbox: "Provided[MongoInbox]" = Provided("inbox", plugin="InboxPlugin")
