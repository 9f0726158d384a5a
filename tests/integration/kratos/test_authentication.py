"""Sessions of Kratos' as a dependency of routes: who gets in, and what the others are told."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from pydantic import BaseModel

from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpPlugin, AioHttpResourceDepends
from fastapi_factory_utilities.core.plugins.aiohttp.mockers import build_mocked_aiohttp_resource
from fastapi_factory_utilities.core.security import (
    KratosSessionAuthenticationService,
    KratosSessionRequiredError,
    require_kratos_session,
)
from fastapi_factory_utilities.core.services.kratos import (
    KratosGenericWhoamiService,
    KratosIdentity,
    KratosSession,
    KratosSessionInvalidError,
)
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.conformance.stage import build
from fastapi_factory_utilities.testing.ory import COOKIE_NAME, FakeKratos
from tests.integration.kratos.conftest import PATIENCE

EMAIL = "ada@example.org"


class Traits(BaseModel):
    """What this service's identity schema says."""

    email: str


class Whoami(KratosGenericWhoamiService[KratosSession[KratosIdentity[Traits]]]):
    """Knows those traits."""


Session = Annotated[KratosSession[KratosIdentity[dict[str, Any]]], Depends(require_kratos_session())]
TypedSession = Annotated[KratosSession[KratosIdentity[Traits]], Depends(require_kratos_session(whoami=Whoami))]


def application(kratos: FakeKratos) -> FastAPI:
    """Build an application with routes for those who are signed in, and one for everybody."""
    entry = PATIENCE | {"url": kratos.public_url}
    application = build([AioHttpPlugin()], {"dependencies": {"kratos_public": entry}}, log_level="debug")
    app = application.get_asgi_app()

    @app.get("/me")
    async def me(session: Session) -> str:
        return str(session.identity.id)

    @app.get("/email")
    async def email(session: TypedSession) -> str:
        return session.identity.traits.email

    @app.get("/anybody")
    async def anybody(request: Request) -> bool:
        service = KratosGenericWhoamiService[KratosSession](AioHttpResourceDepends("kratos_public").of(request.app))
        who = await KratosSessionAuthenticationService(service, raise_exception=False).authenticate(request)
        return who is not None

    @app.websocket("/socket")
    async def socket(socket: WebSocket, session: Session) -> None:
        await socket.accept()
        await socket.send_text(str(session.identity.id))
        await socket.close()

    return app


@pytest.fixture
async def client(kratos: FakeKratos) -> AsyncIterator[httpx.AsyncClient]:
    async with running_app(application(kratos)) as running:
        yield running


async def test_a_cookie_a_token_and_a_bearer_token_let_their_owner_in(
    kratos: FakeKratos, client: httpx.AsyncClient
) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    session = kratos.sign_in(ada)
    cookie = f"theme=dark; {COOKIE_NAME}={session.session_cookie}; csrf=c"
    for headers in ({"Cookie": cookie}, session.token_headers, {"Authorization": f"bEARER {session.session_token}"}):
        assert (await client.get("/me", headers=headers)).json() == ada
        assert (await client.get("/email", headers=headers)).json() == EMAIL
        assert (await client.get("/anybody", headers=headers)).json() is True
    # Kratos gets the one credential, and nothing else of the request.
    sent = [
        {name: request.headers.get(name) for name in ("cookie", "x-session-token", "authorization")}
        for request in kratos.requests
    ]
    assert sent[::3] == [
        {"cookie": f"{COOKIE_NAME}={session.session_cookie}", "x-session-token": None, "authorization": None},
        *[{"cookie": None, "x-session-token": session.session_token, "authorization": None}] * 2,
    ]


async def test_whoever_is_not_signed_in_gets_one_and_the_same_401(
    kratos: FakeKratos, client: httpx.AsyncClient
) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    over, revoked = kratos.sign_in(ada, expires_in_seconds=-1), kratos.sign_in(ada)
    kratos.revoke(revoked)
    good = kratos.sign_in(ada)
    tried: list[list[tuple[str, str]]] = [
        [],
        [("Cookie", "theme=dark")],
        [("Cookie", f"{COOKIE_NAME}=forged")],
        [("Cookie", f'{COOKIE_NAME}="a\\015\\012X-Session-Token: {good.session_token}"')],
        [("Cookie", f'{COOKIE_NAME}="a\\073 {COOKIE_NAME}={good.session_cookie}"')],
        [("Cookie", f"{COOKIE_NAME}={'a' * 5000}")],
        [("X-Session-Token", "forged")],
        [("X-Session-Token", "")],
        [("X-Session-Token", good.session_token), ("X-Session-Token", "forged")],
        [("X-Session-Token", "forged"), ("Cookie", f"{COOKIE_NAME}={good.session_cookie}")],
        [("Authorization", "Bearer forged")],
        [("Authorization", f"Basic {good.session_token}")],
        list(over.token_headers.items()),
        list(revoked.token_headers.items()),
    ]
    answers = [await client.get("/me", headers=headers) for headers in tried]
    told = {(answer.status_code, answer.headers["WWW-Authenticate"]) for answer in answers}
    assert told == {(401, "Bearer")}
    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["detail"] == "Sign in to use this."
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert (await client.get("/anybody")).json() is False


@pytest.mark.parametrize("status", [400, 401, 403, 413, 431])
async def test_credentials_that_kratos_or_its_proxy_will_not_read_are_none(
    kratos: FakeKratos, client: httpx.AsyncClient, status: int
) -> None:
    kratos.answer(status, b"<html>no</html>")
    assert (await client.get("/me", headers={"X-Session-Token": "t"})).status_code == 401


async def test_a_session_that_was_ended_opens_nothing_at_the_very_next_request(
    kratos: FakeKratos, client: httpx.AsyncClient
) -> None:
    session = kratos.sign_in(kratos.add_identity({"email": EMAIL}))
    assert (await client.get("/me", headers=session.token_headers)).status_code == 200
    kratos.revoke(session)
    assert (await client.get("/me", headers=session.token_headers)).status_code == 401


async def test_who_needs_a_second_factor_is_told_where(kratos: FakeKratos, client: httpx.AsyncClient) -> None:
    session = kratos.sign_in(kratos.add_identity({"email": EMAIL}))
    kratos.require_second_factor()
    answer = await client.get("/me", headers=session.token_headers)
    assert answer.status_code == 403
    assert answer.json()["redirect_browser_to"] == "http://kratos.test/self-service/login/browser?aal=aal2"
    kratos.answer(403, {"error": {"id": "session_aal2_required"}})
    answer = await client.get("/me", headers=session.token_headers)
    assert answer.status_code == 403
    assert "redirect_browser_to" not in answer.json()


async def test_nobody_gets_in_while_kratos_says_nothing_sensible(kratos: FakeKratos, client: httpx.AsyncClient) -> None:
    session = kratos.sign_in(kratos.add_identity({"email": EMAIL}))
    orders: list[tuple[int, Any]] = [(500, None), (404, None), (302, None), (200, b"<html>"), (200, {"active": True})]
    for status, body in orders:
        kratos.answer(status, body)
        for path in ("/me", "/anybody"):
            answer = await client.get(path, headers=session.token_headers)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    kratos.answer(503, headers={"Retry-After": "9" * 400})
    assert (await client.get("/me", headers=session.token_headers)).headers["Retry-After"] == "3600"
    kratos.close()
    assert (await client.get("/me", headers=session.token_headers)).status_code == 503


async def test_neither_credentials_nor_what_kratos_says_about_a_person_are_logged(
    kratos: FakeKratos, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    session = kratos.sign_in(kratos.add_identity({"email": EMAIL}))
    with caplog.at_level(logging.DEBUG):
        for order in (None, (500, {"error": {"reason": EMAIL}}), (200, {"identity": {"traits": {"email": EMAIL}}})):
            if order is not None:
                kratos.answer(*order)
            await client.get("/me", headers=session.cookie_headers)
            await client.get("/me", headers=session.token_headers)
    written = "".join(capsys.readouterr()) + caplog.text
    assert "backend unavailable" in written
    secret = (EMAIL, "203.0.113.7", session.session_token, session.session_cookie)
    assert [word for word in secret if word in written] == []


async def test_the_openapi_document_says_where_a_session_may_be(kratos: FakeKratos, client: httpx.AsyncClient) -> None:
    document = application(kratos).openapi()
    assert document["components"]["securitySchemes"] == {
        "kratosSession": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME},
        "kratosSessionToken": {"type": "apiKey", "in": "header", "name": "X-Session-Token"},
    }
    assert document["paths"]["/me"]["get"]["security"] == [{"kratosSession": []}, {"kratosSessionToken": []}]
    assert document["paths"]["/me"]["get"].get("parameters", []) == []
    assert "security" not in document["paths"]["/anybody"]["get"]


async def test_a_websocket_is_for_those_who_are_signed_in_too(kratos: FakeKratos) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    session = kratos.sign_in(ada)
    app = application(kratos)
    async with running_app(app):
        assert await _websocket(app, {}) == ["websocket.http.response.start 401"]
        assert await _websocket(app, session.token_headers) == ["websocket.accept", ada, "websocket.close"]


async def _websocket(app: FastAPI, headers: dict[str, str]) -> list[str]:
    """Open a WebSocket, and return what came of it."""
    came: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        match message:
            case {"type": "websocket.send", "text": text}:
                came.append(text)
            case {"type": "websocket.http.response.start", "status": status}:
                came.append(f"{message['type']} {status}")
            case {"type": "websocket.accept" | "websocket.close" as kind}:
                came.append(kind)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "websocket",
        "path": "/socket",
        "raw_path": b"/socket",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"test"), *raw],
        "subprotocols": [],
        "scheme": "ws",
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "extensions": {"websocket.http.response": {}},
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    await app(scope, receive, send)
    return came


async def test_the_error_is_kratos_own_wherever_it_is_caught() -> None:
    service = KratosSessionAuthenticationService(
        KratosGenericWhoamiService[KratosSession](build_mocked_aiohttp_resource())
    )
    request = Request({"type": "http", "headers": []})
    with pytest.raises(KratosSessionInvalidError) as caught:
        await service.authenticate(request)
    assert isinstance(caught.value, KratosSessionRequiredError)


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a=b", "ä"])
def test_what_is_no_name_of_a_cookie_is_refused_when_the_routes_are_declared(name: str) -> None:
    with pytest.raises(ValueError, match="cookie_name"):
        require_kratos_session(cookie_name=name)
