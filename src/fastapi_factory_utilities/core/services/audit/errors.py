"""What can go wrong with audit events."""

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = ["AuditServiceError"]


class AuditServiceError(FastAPIFactoryUtilitiesError):
    """An audit event could not be handed over: it is not recorded, and whoever caused it must know.

    `fields` has `event_id` and `what` of the event, and nothing else of it.
    """
