"""What Kratos says, as far as services need it; names are those of Ory's OpenAPI document.

Members that Kratos may add later are ignored. Whatever says something about a person is left out of `repr`, and so of
logs and tracebacks; secrets are `SecretStr`.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Generic
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from typing_extensions import TypeVar

__all__ = [
    "KratosAddress",
    "KratosAuthenticationMethod",
    "KratosCredential",
    "KratosDevice",
    "KratosIdentity",
    "KratosModel",
    "KratosRecoveryCode",
    "KratosRecoveryLink",
    "KratosSession",
    "KratosSessionInfo",
]


class KratosModel(BaseModel):
    """What these models have in common; a good base for your own traits."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


TraitsT = TypeVar("TraitsT", default=dict[str, Any])


class KratosAddress(KratosModel):
    """Where somebody is reached, such as an e-mail address."""

    value: str = Field(repr=False)
    via: str
    verified: bool = False
    status: str | None = None
    verified_at: datetime | None = None


class KratosCredential(KratosModel):
    """One way in which somebody signs in.

    Its `config` is there only if it was asked for (`include_credential`); it has hashes and tokens.
    """

    type: str | None = None
    identifiers: tuple[str, ...] = Field(default=(), repr=False)
    config: dict[str, Any] = Field(default_factory=dict, repr=False)
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class KratosIdentity(KratosModel, Generic[TraitsT]):
    """Somebody who can sign in.

    Traits are a `dict`, or a model of yours: `KratosIdentity[Traits]`.
    """

    id: UUID
    schema_id: str
    schema_url: str = ""
    state: str | None = None
    traits: TraitsT = Field(repr=False)
    external_id: str | None = Field(default=None, repr=False)
    organization_id: str | None = None
    metadata_public: Any = Field(default=None, repr=False)
    metadata_admin: Any = Field(default=None, repr=False)
    verifiable_addresses: tuple[KratosAddress, ...] = Field(default=(), repr=False)
    recovery_addresses: tuple[KratosAddress, ...] = Field(default=(), repr=False)
    credentials: dict[str, KratosCredential] = Field(default_factory=dict, repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    state_changed_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether it may sign in."""
        return self.state == "active"


IdentityT = TypeVar("IdentityT", bound=KratosIdentity[Any], default=KratosIdentity[dict[str, Any]])


class KratosAuthenticationMethod(KratosModel):
    """One thing that somebody proved when they signed in."""

    method: str | None = None
    aal: str | None = None
    provider: str | None = None
    organization: str | None = None
    completed_at: datetime | None = None


class KratosDevice(KratosModel):
    """Where a session was used from."""

    id: UUID
    ip_address: str | None = Field(default=None, repr=False)
    location: str | None = Field(default=None, repr=False)
    user_agent: str | None = Field(default=None, repr=False)


class KratosSessionInfo(KratosModel):
    """A session, without its owner."""

    id: UUID
    active: bool = False
    authenticated_at: datetime | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    authenticator_assurance_level: str | None = None
    authentication_methods: tuple[KratosAuthenticationMethod, ...] = ()
    devices: tuple[KratosDevice, ...] = Field(default=(), repr=False)

    @property
    def is_active(self) -> bool:
        """Whether Kratos says that it is active, and it has not expired since."""
        return self.active and (self.expires_at is None or self.expires_at > datetime.now(UTC))


class KratosSession(KratosSessionInfo, Generic[IdentityT]):
    """A session, and whose it is.

    With traits of your own: `KratosSession[KratosIdentity[Traits]]`.
    """

    identity: IdentityT
    tokenized: SecretStr | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is active, has not expired, and its owner may sign in."""
        return super().is_active and self.identity.is_active


class KratosRecoveryCode(KratosModel):
    """A code by which somebody gets into their account again, and where it is typed in."""

    recovery_code: SecretStr
    recovery_link: SecretStr
    expires_at: datetime | None = None


class KratosRecoveryLink(KratosModel):
    """A link by which somebody gets into their account again."""

    recovery_link: SecretStr
    expires_at: datetime | None = None
