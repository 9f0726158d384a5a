"""What a service wants to know of a verified token besides its claims."""

from abc import ABC, abstractmethod

from fastapi_factory_utilities.core.security.jwt.payload import JWTPayload

__all__ = ["JWTNoneVerifier", "JWTVerifierAbstract"]


class JWTVerifierAbstract[PayloadT: JWTPayload](ABC):
    """Looks at every token once more after it was verified, such as whether its subject is blocked."""

    @abstractmethod
    async def verify(self, token: str, payload: PayloadT) -> None:
        """Look at a token.

        Args:
            token: As it came in; it is a secret.
            payload: Its verified claims.

        Raises:
            NotVerifiedJWTError: It is not to be accepted.
        """


class JWTNoneVerifier(JWTVerifierAbstract[JWTPayload]):
    """Wants to know nothing else: signature and claims are verified all the same."""

    async def verify(self, token: str, payload: JWTPayload) -> None:
        """Accept it."""
