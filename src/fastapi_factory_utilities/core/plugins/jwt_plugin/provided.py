"""What `JWTPlugin` provides while it runs; each is a FastAPI dependency."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.security.jwt import JWKStoreAbstract, JWTAuthenticationService, JWTPayload

__all__ = ["depends_jwk_store", "depends_jwt_authentication_service"]

depends_jwk_store: "Provided[JWKStoreAbstract]" = Provided("jwk_store", plugin="JWTPlugin")
"""The keys of all configured issuers."""

depends_jwt_authentication_service: "Provided[JWTAuthenticationService[JWTPayload]]" = Provided(
    "jwt_authentication_service", plugin="JWTPlugin"
)
"""`depends_jwt_authentication_service["customers"]`: what authenticates requests by tokens of that issuer."""
