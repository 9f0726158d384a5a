"""`KratosService`: all of Kratos that services need, in one place."""

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from fastapi_factory_utilities.core.services.kratos.calls import KratosCalls
from fastapi_factory_utilities.core.services.kratos.identities import KratosIdentityGenericService
from fastapi_factory_utilities.core.services.kratos.models import KratosIdentity, KratosSession
from fastapi_factory_utilities.core.services.kratos.recovery import KratosRecoveryService
from fastapi_factory_utilities.core.services.kratos.sessions import KratosSessionGenericService
from fastapi_factory_utilities.core.services.kratos.whoami import KratosGenericWhoamiService

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["KratosService"]


class KratosService(
    KratosGenericWhoamiService[KratosSession[KratosIdentity[dict[str, Any]]]],
    KratosIdentityGenericService[KratosIdentity[dict[str, Any]]],
    KratosSessionGenericService[KratosSession[KratosIdentity[dict[str, Any]]]],
    KratosRecoveryService,
):
    """Who somebody is, and everybody: whoami, identities, credentials, sessions, recovery; traits are a `dict`.

    Args:
        public: The client of the public API.
        admin: The client of the admin API; by default the same one, which Ory Network serves both with.
        api_key: What is sent to the admin API as a bearer token.
    """

    def __init__(
        self,
        public: "AioHttpClientResource",
        admin: "AioHttpClientResource | None" = None,
        *,
        api_key: SecretStr | None = None,
    ) -> None:
        KratosGenericWhoamiService.__init__(self, public)
        self._admin: KratosCalls = KratosCalls(public if admin is None else admin, api_key=api_key)
