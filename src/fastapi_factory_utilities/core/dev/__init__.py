"""`/_dev`: what a service did, how it is, what it was told and what it offers, on one page, while it is developed.

It exists in the development environment only, and for browsers on this machine only; elsewhere nobody imports this
package. What it shows is kept in memory, bounded, and comes from the process that answers: no collector, no files,
nothing from elsewhere.
"""

from fastapi_factory_utilities.core.dev.page import DevelopmentPage

__all__ = ["DevelopmentPage"]
