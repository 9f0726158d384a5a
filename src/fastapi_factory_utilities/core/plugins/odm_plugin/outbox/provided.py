"""What `OutboxPlugin` provides while it runs; a FastAPI dependency."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.outbox import Outbox

__all__ = ["depends_outbox"]

depends_outbox: "Provided[Outbox]" = Provided("outbox", plugin="OutboxPlugin")
