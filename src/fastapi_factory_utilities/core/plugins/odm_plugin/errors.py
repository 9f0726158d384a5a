"""What a repository can raise.

::

    OperationError                                   an operation on a collection failed
    ├── EntityNotFoundError (a ValueError too)       there is no document with this id
    ├── StaleRevisionError                           somebody else has written it meanwhile: a lost update, refused
    ├── UnableToCreateEntityDueToDuplicateKeyError   a unique index has this value already
    ├── InvalidDocumentError (a ValueError too)      what is stored, or should be, does not fit the model
    └── DatabaseUnavailableError                     no answer in time; a BackendUnavailableError, so HTTP 503

No message and no field ever holds a document's values or the database's URI; the driver's own error is the `__cause__`.
"""

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError, FastAPIFactoryUtilitiesError

__all__ = [
    "DatabaseUnavailableError",
    "EntityNotFoundError",
    "InvalidDocumentError",
    "OperationError",
    "RepositoryDefinitionError",
    "StaleRevisionError",
    "UnableToCreateEntityDueToDuplicateKeyError",
]


class OperationError(FastAPIFactoryUtilitiesError):
    """An operation on a collection failed; its fields always have `collection` and `operation`."""


class EntityNotFoundError(OperationError, ValueError):
    """There is no document with this id; the field `entity_id` has it."""


class StaleRevisionError(OperationError):
    """The document was changed or replaced since the entity was read: read it again, apply the change, update."""


class UnableToCreateEntityDueToDuplicateKeyError(OperationError):
    """A unique index has this value already; the fields `index` and `keys` name it, as far as the server told."""


class InvalidDocumentError(OperationError, ValueError):
    """A document does not fit the model, or cannot be stored; the field `problems` has places and kinds."""


class DatabaseUnavailableError(OperationError, BackendUnavailableError):
    """MongoDB did not answer in time; over HTTP it becomes a 503 problem (FR17)."""


class RepositoryDefinitionError(FastAPIFactoryUtilitiesError, TypeError):
    """A repository or a document class is written in a way that cannot work; told before anything is stored."""
