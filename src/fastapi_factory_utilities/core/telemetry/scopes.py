"""What the layers around a request tell one another, under keys of its ASGI scope."""

from typing import Final

__all__ = ["ERROR_KEY", "REQUEST_ID_KEY", "TRACE_ID_KEY"]

TRACE_ID_KEY: Final = "fastapi_factory_utilities.trace_id"
"""The id of the request's trace, 32 hexadecimal digits: that of its span, if there is one."""

REQUEST_ID_KEY: Final = "fastapi_factory_utilities.request_id"
"""The id under which the caller, or else we, speak of this request."""

ERROR_KEY: Final = "fastapi_factory_utilities.error"
"""The exception that a 5xx answers; kept only where a layer outside put the key there, to read it."""
