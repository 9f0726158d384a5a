"""What can go wrong with Ory Kratos.

::

    KratosOperationError              Kratos refused, or did not answer
    ├── KratosSessionInvalidError     whoever asks is not signed in (401)
    │   └── KratosSecondFactorError   they are, but have to prove it once more (403)
    ├── KratosNotFoundError           there is no such identity, session or credential (404)
    ├── KratosConflictError           somebody else has that identifier (409)
    └── KratosUnavailableError        it cannot be reached, or its answer is none (HTTP 503 for our own callers)

Texts and fields have Kratos' own name of an error (`error_id`), but not its words, which may be about a person.
"""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = [
    "KratosConflictError",
    "KratosNotFoundError",
    "KratosOperationError",
    "KratosSecondFactorError",
    "KratosSessionInvalidError",
    "KratosUnavailableError",
]


class KratosOperationError(FastAPIFactoryUtilitiesError):
    """Kratos refused what it was asked for, or did not answer.

    `fields` has `operation`, such as `create identity`, `dependency`, the service's name, and, if there was an answer,
    its `status` and `error_id`.
    """


class KratosSessionInvalidError(KratosOperationError):
    """Nobody is signed in: there is no session, or it is over, or revoked, or its owner is disabled."""


class KratosSecondFactorError(KratosSessionInvalidError):
    """Somebody is signed in, but Kratos wants a second factor first.

    Its field `redirect_browser_to` is where Kratos asks for it, if it said so.
    """

    @property
    def redirect_browser_to(self) -> str | None:
        """Where Kratos asks for the second factor; `None` if it did not say."""
        where: str | None = self.fields.get("redirect_browser_to")
        return where


class KratosNotFoundError(KratosOperationError):
    """There is no such identity, session or credential."""


class KratosConflictError(KratosOperationError):
    """Somebody else signs in with that already, or the identity was changed meanwhile."""


class KratosUnavailableError(KratosOperationError, BackendUnavailableError):
    """Kratos cannot be reached, fails, or answers with something else than its API says; over HTTP a 503 problem."""
