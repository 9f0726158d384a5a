"""amqps: the line is encrypted, and its other end is who it says it is."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.rabbitmq.shown import book, connected, events_on, eventually


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key in the same file."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    file = tmp_path / "broker.pem"
    subprocess.run([*command, *names, "-keyout", file, "-out", tmp_path / "c"], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "c").read_text())
    return file


@pytest.fixture
async def tls_uri(rabbitmq_uri: str, certificate: Path) -> AsyncIterator[str]:
    """RabbitMQ behind a process that speaks TLS for it."""
    plain = urlsplit(rabbitmq_uri)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(plain.hostname, plain.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(reader, back))
            both.create_task(_copy(there, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    yield rabbitmq_uri.replace("amqp://", "amqps://").replace(f":{plain.port}", f":{port}")
    server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def test_messages_are_published_over_tls(tls_uri: str, certificate: Path) -> None:
    async with connected(f"{tls_uri}?cafile={certificate}") as connection:
        events = await events_on(connection)
        await events.publish(book("Emma"), "books.created")


async def test_a_broker_that_nobody_vouches_for_gets_no_password(tls_uri: str) -> None:
    async with connected(tls_uri) as connection:
        await eventually(
            lambda: "CERTIFICATE_VERIFY_FAILED" in (connection.last_error or ""), told=lambda: connection.last_error
        )
        assert not connection.is_connected
