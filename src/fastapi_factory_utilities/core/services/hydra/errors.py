"""What can go wrong with Ory Hydra.

::

    HydraOperationError               Hydra refused, or did not answer
    ├── HydraClientRefusedError       it does not take our client's id and secret, or not for this (400, 401)
    └── HydraUnavailableError         it cannot be reached, or its answer is none (HTTP 503 for our own callers)

Texts and fields have OAuth's own name of an error (RFC 6749, 5.2), but not Hydra's words, which may be about a person.
A token that is not active is a result and no error.
"""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = ["HydraClientRefusedError", "HydraOperationError", "HydraUnavailableError"]


class HydraOperationError(FastAPIFactoryUtilitiesError):
    """Hydra refused what it was asked for, or did not answer.

    `fields` has `operation`, such as `introspect`, `dependency`, the service's name, and, if there was an answer, its
    `status` and `error_id`.
    """


class HydraClientRefusedError(HydraOperationError):
    """Hydra does not take our client's id and secret, or does not give it the scopes or the audience that it wants."""


class HydraUnavailableError(HydraOperationError, BackendUnavailableError):
    """Hydra cannot be reached, fails, or answers with something else than its API says; over HTTP a 503 problem."""
