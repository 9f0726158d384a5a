"""Importing this module says whether what fetches keys is there; every module that needs it imports this one first."""

from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.security.jwt import required  # noqa: F401 - the libraries that tokens need

require_extra("jwt", "aiohttp")
