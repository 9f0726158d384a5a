"""What a client sees."""

import time
from typing import Annotated, Any

import pytest
from fastapi import Depends, WebSocket
from httpx import ASGITransport, AsyncClient, Response
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.plugins import Provided
from fastapi_factory_utilities.core.security.jwt import (
    JWKStoreMemory,
    JWTAuthenticationService,
    JWTAuthenticationServiceAbstract,
    JWTBearer,
    JWTNoneVerifier,
    JWTPayload,
    JWTToken,
    JWTVerifierAbstract,
    NotVerifiedJWTError,
    TokenCookie,
    TokenHeader,
    TokenPlace,
    require_scopes,
)
from fastapi_factory_utilities.testing.conformance.stage import build
from tests.unit.core.security.jwt.issuing import (
    ISSUER,
    claims,
    config,
    encoded,
    key_for,
    public,
    service,
    signed,
    token,
)


class Reader(JWTPayload):
    """A payload of a service's own."""

    tenant: str


def serving(place: TokenPlace | None = None, **options: Any) -> Any:
    """An application with routes that want tokens."""
    application = build([], {"docs": {"enabled": True}})
    app = application.get_asgi_app()
    one = JWTAuthenticationService(
        config(), JWKStoreMemory({ISSUER: [public(key_for("RS256"))]}), token_place=place, **options
    )
    bearer = JWTBearer(one)

    @app.get("/me")
    async def me(who: Annotated[JWTPayload | None, Depends(bearer)]) -> str:
        return "nobody" if who is None else who.sub

    @app.post("/books", dependencies=[Depends(bearer.require_scopes("books:write", "books:read"))])
    async def add(who: Annotated[JWTPayload, Depends(bearer)]) -> list[str]:
        return list(who.scp)

    @app.websocket("/live")
    async def live(socket: WebSocket, who: Annotated[JWTPayload, Depends(bearer)]) -> None:
        await socket.accept()
        await socket.send_text(who.sub)
        await socket.close()

    return application


async def ask(application: Any, headers: dict[str, str] | list[tuple[str, str]], path: str = "/me") -> Response:
    async with AsyncClient(transport=ASGITransport(application), base_url="http://test") as client:
        return await client.request("GET" if path == "/me" else "POST", path, headers=headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_a_bearer_token_is_read_whatever_the_case_of_its_scheme(scheme: str) -> None:
    answer = await ask(serving(), {"Authorization": f"{scheme} {token()}"})
    assert (answer.status_code, answer.json()) == (200, "ada")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YWRhOg=="}, {"Authorization": "Bearer "}])
async def test_who_tries_nothing_is_told_how(headers: dict[str, str]) -> None:
    answer = await ask(serving(), headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_token_that_is_not_accepted_gets_the_same_answer() -> None:
    application = serving()
    other = signed({"alg": "RS256", "kid": "k1"}, claims(), key_for("RS256", 1))
    bad = [
        token(exp=1),
        token(aud="other"),
        token(iss="https://other.test"),
        token(sub=None),
        other,
        signed({"alg": "RS256", "kid": "unknown"}, claims(), key_for("RS256")),
        signed({"alg": "RS256", "jku": "https://attacker.test"}, claims(), key_for("RS256")),
        f"{encoded({'alg': 'none'})}.{encoded(claims())}.",
        token()[:-8],
        "x" * 20_000,
        "garbage",
    ]
    answers = [await ask(application, {"Authorization": f"Bearer {text}"}) for text in bad]
    answers.append(await ask(application, [("Authorization", f"Bearer {token()}")] * 2))
    seen = {
        (
            answer.status_code,
            answer.headers["www-authenticate"],
            tuple(sorted(set(answer.headers) - {"x-request-id"})),
            str({name: value for name, value in answer.json().items() if name != "trace_id"}),
        )
        for answer in answers
    }
    assert len(seen) == 1
    assert seen.pop()[:2] == (401, 'Bearer error="invalid_token"')


async def test_a_token_without_the_scopes_is_forbidden_and_one_with_them_is_not() -> None:
    application = serving()
    answer = await ask(application, {"Authorization": f"Bearer {token()}"}, "/books")
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == ('Bearer error="insufficient_scope", scope="books:write books:read"')
    for changes in ({"scope": "books:read books:write"}, {"scp": ["books:write", "books:read"], "scope": "x"}):
        answer = await ask(application, {"Authorization": f"Bearer {token(**changes)}"}, "/books")
        assert (answer.status_code, set(answer.json())) == (200, {"books:read", "books:write"})


@pytest.mark.parametrize("scopes", [(), ("",), ("a b",), ('a"b',), ("a\\b",), ("a\nb",)])
def test_a_scope_that_could_not_be_told_to_a_client_is_refused_at_once(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scope"):
        require_scopes(*scopes, by=JWTBearer(service()))


@pytest.mark.parametrize(
    ("place", "headers"),
    [
        (TokenHeader("X-Token"), lambda text: {"x-token": text}),
        (TokenCookie("__Host-session"), lambda text: {"cookie": f"a=b; __Host-session={text}"}),
    ],
)
async def test_a_token_is_looked_for_where_the_service_says_and_nowhere_else(place: TokenPlace, headers: Any) -> None:
    application = serving(place)
    assert (await ask(application, headers(token()))).json() == "ada"
    assert (await ask(application, {"Authorization": f"Bearer {token()}"})).status_code == 401
    schemes = application.get_asgi_app().openapi()["components"]["securitySchemes"]
    assert schemes["JWT"]["type"] == "apiKey"


async def test_openapi_knows_the_scheme_and_which_routes_want_it() -> None:
    document = serving().get_asgi_app().openapi()
    assert document["components"]["securitySchemes"]["JWT"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    assert document["paths"]["/me"]["get"]["security"] == [{"JWT": []}]
    assert document["paths"]["/books"]["post"]["security"] == [{"JWT": []}]


async def test_a_service_may_let_nobody_in_as_nobody() -> None:
    application = serving(raise_exception=False)
    assert (await ask(application, {})).json() == "nobody"
    assert (await ask(application, {"Authorization": "Bearer x"})).json() == "nobody"
    assert (await ask(application, {}, "/books")).status_code == 403


def test_a_websocket_authenticates_like_a_request() -> None:
    with TestClient(serving()) as client:
        with client.websocket_connect("/live", headers={"Authorization": f"Bearer {token()}"}) as socket:
            assert socket.receive_text() == "ada"
        with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), client.websocket_connect("/live"):
            pass


async def test_a_payload_of_ones_own_is_typed_and_its_claims_are_wanted() -> None:
    keys = JWKStoreMemory({ISSUER: [public(key_for("RS256"))]})
    readers = JWTAuthenticationService(config(), keys, payload_class=Reader)
    assert (await readers.verify(token(tenant="north"))).tenant == "north"
    with pytest.raises(Exception, match="claims are not") as caught:
        await readers.verify(token())
    assert caught.value.fields["claims"] == ["tenant"]  # type: ignore[attr-defined]  # ours have it


async def test_a_verifier_has_the_last_word() -> None:
    class Blocked(JWTVerifierAbstract[JWTPayload]):
        async def verify(self, token: str, payload: JWTPayload) -> None:
            assert isinstance(token, JWTToken)
            assert token not in repr(token)
            if payload.sub == "eve":
                raise NotVerifiedJWTError("blocked")

    application = serving(verifier=Blocked())
    assert (await ask(application, {"Authorization": f"Bearer {token()}"})).status_code == 200
    assert (await ask(application, {"Authorization": f"Bearer {token(sub='eve')}"})).status_code == 401
    assert (await ask(serving(verifier=JWTNoneVerifier()), {"Authorization": f"Bearer {token()}"})).status_code == 200


async def test_the_service_may_be_one_that_an_application_provides_while_it_runs() -> None:
    slot: Provided[JWTAuthenticationServiceAbstract[JWTPayload]] = Provided("tokens", plugin="Mine")
    application = build([], {})
    app = application.get_asgi_app()

    @app.get("/me")
    async def me(who: Annotated[JWTPayload, Depends(JWTBearer(slot))]) -> str:
        return who.sub

    slot.publish(app, service())
    assert (await ask(application, {"Authorization": f"Bearer {token()}"})).json() == "ada"


async def test_a_remembered_token_is_verified_once_and_never_beyond_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    remembering = service(cache_size=2, leeway_seconds=0)
    decoder: Any = remembering._decoder
    verified: list[str] = []
    original = decoder._decode

    async def counted(text: str) -> Any:
        verified.append(text)
        return await original(text)

    monkeypatch.setattr(decoder, "_decode", counted)
    text, others = token(), [token(jti=str(number)) for number in range(3)]
    assert (await remembering.verify(text)) is (await remembering.verify(text))
    assert verified == [text]
    for other in others:
        await remembering.verify(other)
    assert len(decoder._verified) == 2
    await remembering.verify(text)
    assert verified.count(text) == 2
    assert text not in repr(decoder._verified._known)
    clock = time.time
    monkeypatch.setattr("time.time", lambda: clock() + 601)
    with pytest.raises(Exception, match="expired"):
        await remembering.verify(text)
