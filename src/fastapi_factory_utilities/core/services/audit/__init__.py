"""Audit: who did what, why, where and when, kept by the broker or together with what it is about."""

from fastapi_factory_utilities.core.services.audit.errors import AuditServiceError
from fastapi_factory_utilities.core.services.audit.events import AuditEventObject, Redacted
from fastapi_factory_utilities.core.services.audit.publishing import (
    AbstractAuditPublisherService,
    AuditBox,
    AuditService,
)

__all__ = [
    "AbstractAuditPublisherService",
    "AuditBox",
    "AuditEventObject",
    "AuditService",
    "AuditServiceError",
    "Redacted",
]
