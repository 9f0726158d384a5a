"""`JWTAuthenticationService`: who asks, by the token of the request."""

from abc import ABC, abstractmethod
from typing import overload

from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
from fastapi_factory_utilities.core.security.jwt.credentials import BearerToken, TokenPlace
from fastapi_factory_utilities.core.security.jwt.errors import JWTAuthenticationError, MissingJWTCredentialsError
from fastapi_factory_utilities.core.security.jwt.payload import JWTPayload
from fastapi_factory_utilities.core.security.jwt.stores import JWKStoreAbstract
from fastapi_factory_utilities.core.security.jwt.token import JWTToken
from fastapi_factory_utilities.core.security.jwt.verifier import JWTVerifierAbstract

__all__ = ["JWTAuthenticationService", "JWTAuthenticationServiceAbstract"]


class JWTAuthenticationServiceAbstract[PayloadT: JWTPayload](ABC):
    """Authenticates requests. Nothing of a request is kept on the service, so that one serves all of them at once."""

    @abstractmethod
    async def authenticate(self, request: HTTPConnection) -> PayloadT | None:
        """Return what the request's token says.

        Args:
            request: A request or a WebSocket.

        Raises:
            JWTAuthenticationError: There is no token, or it is not accepted.
        """


class JWTAuthenticationService[PayloadT: JWTPayload](JWTAuthenticationServiceAbstract[PayloadT]):
    """Authenticates requests by JSON Web Tokens (RFC 7519) as bearer tokens (RFC 6750).

    Args:
        jwt_bearer_authentication_config: Which tokens are accepted.
        jwks_store: The keys of their issuers.
        raise_exception: Whether a request without an accepted token is an error; otherwise it is nobody's (`None`), for
            routes that serve both.
        payload_class: What the claims become; extend `JWTPayload` for your own.
        verifier: Looks at each verified token once more.
        token_place: Where the token is; the `Authorization` header unless told otherwise.

    Raises:
        MissingExtraError: The extra `jwt` is not installed.
    """

    @overload
    def __init__(
        self: "JWTAuthenticationService[JWTPayload]",
        jwt_bearer_authentication_config: JWTBearerAuthenticationConfig,
        jwks_store: JWKStoreAbstract,
        raise_exception: bool = ...,  # noqa: FBT001 - the public name and place
        *,
        verifier: JWTVerifierAbstract[JWTPayload] | None = ...,
        token_place: TokenPlace | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        jwt_bearer_authentication_config: JWTBearerAuthenticationConfig,
        jwks_store: JWKStoreAbstract,
        raise_exception: bool = ...,  # noqa: FBT001 - the public name and place
        *,
        payload_class: type[PayloadT],
        verifier: JWTVerifierAbstract[PayloadT] | None = ...,
        token_place: TokenPlace | None = ...,
    ) -> None: ...

    def __init__(
        self,
        jwt_bearer_authentication_config: JWTBearerAuthenticationConfig,
        jwks_store: JWKStoreAbstract,
        raise_exception: bool = True,  # noqa: FBT001, FBT002 - the public name and place
        *,
        payload_class: type[PayloadT] | None = None,
        verifier: JWTVerifierAbstract[PayloadT] | None = None,
        token_place: TokenPlace | None = None,
    ) -> None:
        from fastapi_factory_utilities.core.security.jwt.decoder import (  # noqa: PLC0415 - needs the extra
            JWTBearerTokenDecoder,
        )

        self.config: JWTBearerAuthenticationConfig = jwt_bearer_authentication_config
        self.token_place: TokenPlace = token_place or BearerToken()
        self._raises = raise_exception
        self._verifier = verifier
        chosen: type[PayloadT] = payload_class or JWTPayload  # type: ignore[assignment]  # the first overload
        self._decoder: JWTBearerTokenDecoder[PayloadT] = JWTBearerTokenDecoder(
            jwt_bearer_authentication_config, jwks_store, chosen
        )

    async def authenticate(self, request: HTTPConnection) -> PayloadT | None:
        """Return what the request's token says; `None` without one, if that is no error.

        Raises:
            MissingJWTCredentialsError: There is no token.
            InvalidJWTError: It is malformed, of a kind that is refused, or its claims are not for us, or not for now.
            NotVerifiedJWTError: Its signature is not that of a key which its issuer is known to have.
            BackendUnavailableError: The issuer's keys are not known now: the service's trouble, not the client's.
        """
        try:
            token = self.token_place.find(request)
            if token is not None and self._verifier is None:
                # Most requests of a service that remembers tokens end here, and pay for nothing below.
                known = self._decoder.remembered(token)
                if known is not None:
                    return known
            if token is None:
                raise MissingJWTCredentialsError(f"the request has no token in its {self.token_place.name}")
            return await self.verify(token)
        except JWTAuthenticationError:
            if self._raises:
                raise
            return None

    async def verify(self, token: str) -> PayloadT:
        """Return what a token says, for those who have it from elsewhere, such as a message.

        Raises:
            JWTAuthenticationError: As for `authenticate`, whatever `raise_exception` says.
            BackendUnavailableError: As for `authenticate`.
        """
        payload = await self._decoder.decode(token)
        if self._verifier is not None:
            await self._verifier.verify(JWTToken(token), payload)
        return payload
