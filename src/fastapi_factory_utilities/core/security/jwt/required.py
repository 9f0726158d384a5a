"""Says how to install what a name of `core.security.jwt` needs; import this first in modules that do."""

from fastapi_factory_utilities.core.plugins.extras import require_extra

require_extra("jwt", "joserfc", "cryptography")
