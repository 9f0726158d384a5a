"""The HTTP face of a service: its FastAPI object, errors as problems (RFC 9457), docs, and the system endpoints.

Raise `ProblemError`, or a subclass of it, for what the client should know; `map_error` answers an error of your domain
as a problem, in one line.
"""

from fastapi_factory_utilities.core.api.browser_headers import security_headers
from fastapi_factory_utilities.core.api.cors import add_cors
from fastapi_factory_utilities.core.api.csrf import csrf_protection
from fastapi_factory_utilities.core.api.factory import create_fastapi
from fastapi_factory_utilities.core.api.flat_routes import flatten_routes
from fastapi_factory_utilities.core.api.handlers import map_error
from fastapi_factory_utilities.core.api.problems import ProblemError
from fastapi_factory_utilities.core.api.request_ids import request_id_of
from fastapi_factory_utilities.core.api.system import SystemEndpoints
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of

__all__ = [
    "ProblemError",
    "SystemEndpoints",
    "add_cors",
    "create_fastapi",
    "csrf_protection",
    "flatten_routes",
    "map_error",
    "request_id_of",
    "security_headers",
    "trace_id_of",
]
