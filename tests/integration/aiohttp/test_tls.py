"""https: the service is who it says, and so are we."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fastapi_factory_utilities.core.app.config import HttpServiceDependencyConfig
from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientConfigurationError,
    AioHttpClientConnectionError,
    AioHttpClientResource,
)
from fastapi_factory_utilities.core.plugins.aiohttp.tls import tls_of
from tests.integration.aiohttp.conftest import Service, serving


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of a server and a client that it signed; the client's key has a password."""
    here = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(here / "ca.pem")
    for name, host in (("server", "127.0.0.1"), ("client", "client.test")):
        certificate = authority.issue_cert(host, common_name=name)
        certificate.cert_chain_pems[0].write_to_path(here / f"{name}.pem")
        certificate.private_key_pem.write_to_path(here / f"{name}.key")
    key = load_pem_private_key((here / "client.key").read_bytes(), password=None)
    protection = BestAvailableEncryption(b"planted")
    (here / "client.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    return here


@pytest.fixture
async def service(files: Path) -> AsyncIterator[Service]:
    """A service that speaks TLS, and asks its callers who they are."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(files / "server.pem", files / "server.key")
    async with serving(context) as running:
        yield running


async def subject_seen(service: Service, **entry: Any) -> Any:
    """Call with these options, and return what the service knows of us."""
    config = HttpServiceDependencyConfig.model_validate({"url": service.url, "retry": {"attempts": 1}, **entry})
    async with AioHttpClientResource("books", config, tls=tls_of("books", config)) as resource:
        async with resource.acquire_client_session() as session, session.get("") as response:
            assert response.status == 200
        transport = service.asked[-1].transport
        assert transport is not None
        return transport.get_extra_info("peercert")


async def test_a_service_that_nobody_vouches_for_is_not_called(service: Service) -> None:
    with pytest.raises(AioHttpClientConnectionError, match="TLS failed"):
        await subject_seen(service)
    assert not service.asked


async def test_the_configured_authority_vouches(service: Service, files: Path) -> None:
    assert not await subject_seen(service, ssl_ca_path=files / "ca.pem")


async def test_verification_can_be_switched_off(service: Service) -> None:
    assert not await subject_seen(service, verify_ssl=False)


async def test_we_present_our_certificate(service: Service, files: Path) -> None:
    mine = {
        "ssl_certfile": files / "client.pem",
        "ssl_keyfile": files / "client.key",
        "ssl_keyfile_password": "planted",
    }
    seen = await subject_seen(service, ssl_ca_path=files / "ca.pem", **mine)

    assert (("commonName", "client"),) in seen["subject"]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"ssl_ca_path": "client.key"}, "ssl_ca_path"),
        ({"ssl_certfile": "client.pem", "ssl_keyfile": "client.key"}, "ssl_certfile"),
        (
            {"ssl_certfile": "client.pem", "ssl_keyfile": "client.key", "ssl_keyfile_password": "wrong-planted"},
            "ssl_certfile",
        ),
        ({"ssl_certfile": "client.pem", "ssl_keyfile": "server.key"}, "ssl_certfile"),
    ],
)
def test_files_that_do_not_fit_are_one_error_at_start(files: Path, entry: dict[str, str], field: str) -> None:
    located = {key: value if "password" in key else files / value for key, value in entry.items()}
    config = HttpServiceDependencyConfig.model_validate({"url": "https://a", **located})

    with pytest.raises(AioHttpClientConfigurationError, match=f"books: the file of {field}") as told:
        tls_of("books", config)

    assert "planted" not in f"{told.value!r} {told.value.__cause__!r}"
