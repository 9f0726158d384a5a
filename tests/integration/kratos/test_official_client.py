"""Ory's own client on one side, its models on the other: what we say is what it says, and the fake answers as Ory does.

Every operation is done twice, by our service and by `ory-kratos-client`, each with a Kratos of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from fastapi_factory_utilities.core.services.kratos import KratosService
from fastapi_factory_utilities.testing.ory import FakeKratos, OryRequest
from tests.integration.kratos.conftest import service_of

ory: Any = import_module("ory_kratos_client")  # it exports hardly anything in a way that mypy believes

PASSWORD = "correct horse"


class World:
    """Ada with two sessions and a second factor, Bob with one; `names` makes the requests of two worlds equal."""

    def __init__(self, kratos: FakeKratos) -> None:
        self.ada = kratos.add_identity(
            {"email": "ada@example.org"},
            external_id="0001",
            metadata_public={"plan": "gold"},
            metadata_admin={"score": 3},
            verifiable_addresses=[
                {"value": "ada@example.org", "via": "email", "verified": True, "status": "completed"}
            ],
            credentials={"password": {"config": {"password": PASSWORD}}, "totp": {"config": {}}},
        )
        self.bob = kratos.add_identity({"username": "bob"})
        self.session, self.other = kratos.sign_in(self.ada, aal="aal2"), kratos.sign_in(self.ada)
        self.third = kratos.sign_in(self.bob)
        self.cookie = f"ory_kratos_session={self.session.session_cookie}"
        self.token = self.session.session_token
        self.names = {
            self.ada: "ada",
            self.bob: "bob",
            self.token: "token",
            self.session.session_cookie: "cookie",
            self.session.session_id: "session",
            self.other.session_id: "other",
        }


@dataclass(frozen=True)
class Operation:
    """The same thing, asked by us and by them."""

    name: str
    ours: Callable[[KratosService, World], Awaitable[Any]]
    theirs: Callable[[Any, Any, World], Any]


OPERATIONS = [
    Operation("whoami by cookie", lambda s, w: s.whoami(w.cookie), lambda f, _, w: f.to_session(cookie=w.cookie)),
    Operation(
        "whoami by token",
        lambda s, w: s.whoami(session_token=SecretStr(w.token), tokenize_as="jwt"),
        lambda f, _, w: f.to_session(x_session_token=w.token, tokenize_as="jwt"),
    ),
    Operation(
        "list my sessions",
        lambda s, w: s.list_my_sessions(session_token=w.token),
        lambda f, _, w: f.list_my_sessions(x_session_token=w.token, page_size=250),
    ),
    Operation(
        "disable my session",
        lambda s, w: s.disable_my_session(w.other.session_id, w.cookie),
        lambda f, _, w: f.disable_my_session(w.other.session_id, cookie=w.cookie),
    ),
    Operation(
        "disable my other sessions",
        lambda s, w: s.disable_my_other_sessions(w.cookie),
        lambda f, _, w: f.disable_my_other_sessions(cookie=w.cookie),
    ),
    Operation(
        "logout",
        lambda s, w: s.logout(w.token),
        lambda f, _, w: f.perform_native_logout(ory.PerformNativeLogoutBody(session_token=w.token)),
    ),
    Operation(
        "get identity",
        lambda s, w: s.get_identity(w.ada, include_credential=("password", "oidc")),
        lambda _, i, w: i.get_identity(w.ada, include_credential=["password", "oidc"]),
    ),
    Operation(
        "find identity",
        lambda s, _: s.find_identity("ada@example.org"),
        lambda _, i, w: i.list_identities(credentials_identifier="ada@example.org"),
    ),
    Operation(
        "list identities",
        lambda s, w: s.list_identities(page_size=2, page_token="MA==", ids=(w.ada, w.bob)),
        lambda _, i, w: i.list_identities(page_size=2, page_token="MA==", ids=[w.ada, w.bob]),
    ),
    Operation(
        "create identity",
        lambda s, _: s.create_identity(
            {"email": "eve@example.org"},
            password=SecretStr(PASSWORD),
            external_id="7",
            metadata_public={"plan": "none"},
            metadata_admin={"score": 0},
        ),
        lambda _, i, __: i.create_identity(
            ory.CreateIdentityBody(
                schema_id="default",
                state="active",
                traits={"email": "eve@example.org"},
                credentials=_password(password=PASSWORD),
                external_id="7",
                metadata_public={"plan": "none"},
                metadata_admin={"score": 0},
            )
        ),
    ),
    Operation(
        "update identity",
        lambda s, w: s.update_identity(
            w.ada, {"email": "ada@example.com"}, state="inactive", hashed_password=SecretStr("$2a$10$x")
        ),
        lambda _, i, w: i.update_identity(
            w.ada,
            ory.UpdateIdentityBody(
                schema_id="default",
                state="inactive",
                traits={"email": "ada@example.com"},
                credentials=_password(hashed_password="$2a$10$x"),
            ),
        ),
    ),
    Operation(
        "patch identity",
        lambda s, w: s.patch_identity(w.ada, [{"op": "replace", "path": "/traits/email", "value": "ada@example.net"}]),
        lambda _, i, w: i.patch_identity(
            w.ada, [ory.JsonPatch(op="replace", path="/traits/email", value="ada@example.net")]
        ),
    ),
    Operation("delete identity", lambda s, w: s.delete_identity(w.ada), lambda _, i, w: i.delete_identity(w.ada)),
    Operation(
        "delete credential",
        lambda s, w: s.delete_credential(w.ada, "totp"),
        lambda _, i, w: i.delete_identity_credentials(w.ada, "totp"),
    ),
    Operation(
        "get session",
        lambda s, w: s.get_session(w.session.session_id),
        lambda _, i, w: i.get_session(w.session.session_id, expand=["identity", "devices"]),
    ),
    Operation(
        "list sessions",
        lambda s, _: s.list_sessions(active=True, page_size=2),
        lambda _, i, w: i.list_sessions(active=True, page_size=2, expand=["identity", "devices"]),
    ),
    Operation(
        "list identity sessions",
        lambda s, w: s.list_identity_sessions(w.ada, active=False),
        lambda _, i, w: i.list_identity_sessions(w.ada, active=False, page_size=250),
    ),
    Operation(
        "delete identity sessions",
        lambda s, w: s.delete_identity_sessions(w.ada),
        lambda _, i, w: i.delete_identity_sessions(w.ada),
    ),
    Operation(
        "disable session",
        lambda s, w: s.disable_session(w.session.session_id),
        lambda _, i, w: i.disable_session(w.session.session_id),
    ),
    Operation(
        "extend session",
        lambda s, w: s.extend_session(w.session.session_id),
        lambda _, i, w: i.extend_session(w.session.session_id),
    ),
    Operation(
        "create recovery code",
        lambda s, w: s.create_recovery_code(w.ada, expires_in=timedelta(minutes=5)),
        lambda _, i, w: i.create_recovery_code_for_identity(
            ory.CreateRecoveryCodeForIdentityBody(identity_id=w.ada, expires_in="300s")
        ),
    ),
    Operation(
        "create recovery link",
        lambda s, w: s.create_recovery_link(w.ada, return_to="https://shop.example/"),
        lambda _, i, w: i.create_recovery_link_for_identity(
            return_to="https://shop.example/",
            create_recovery_link_for_identity_body=ory.CreateRecoveryLinkForIdentityBody(identity_id=w.ada),
        ),
    ),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_our_service_asks_what_orys_client_asks_and_both_understand_the_answer(operation: Operation) -> None:
    with FakeKratos() as kratos:
        world = World(kratos)
        async with service_of(kratos) as service:
            await operation.ours(service, world)
        (ours,) = [_comparable(request, world) for request in kratos.requests]
    with FakeKratos() as kratos:
        world = World(kratos)
        with _client(kratos.public_url) as public, _client(kratos.admin_url) as admin:
            answer = operation.theirs(ory.FrontendApi(public), ory.IdentityApi(admin), world)
        (theirs,) = [_comparable(request, world) for request in kratos.requests]
    assert ours == theirs
    # The client keeps what its models do not know: nothing of what the fake says may be that.
    assert list(_unknown(answer)) == []


def _password(**config: str) -> Any:
    return ory.IdentityWithCredentials(
        password=ory.IdentityWithCredentialsPassword(config=ory.IdentityWithCredentialsPasswordConfig(**config))
    )


def _client(url: str) -> Any:
    return ory.ApiClient(ory.Configuration(host=url))


def _comparable(request: OryRequest, world: World) -> tuple[object, ...]:
    def named(text: str) -> str:
        for secret, name in world.names.items():
            text = text.replace(secret, name)
        return text

    headers = {name: named(request.headers.get(name, "")) for name in ("x-session-token", "cookie", "accept")}
    content = request.headers.get("content-type") if request.body else None
    query = sorted((name, named(value).lower()) for name, value in request.query)
    return request.door, request.method, named(request.path), query, headers, content, _named_json(request.json, named)


def _named_json(value: Any, named: Callable[[str], str]) -> Any:
    match value:
        case str():
            return named(value)
        case dict():
            return {name: _named_json(item, named) for name, item in value.items()}
        case list():
            return [_named_json(item, named) for item in value]
    return value


def _unknown(value: Any) -> Any:
    """Walk through an answer, and give every member that a model of Ory's does not have."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _unknown(item)
    elif isinstance(value, dict):
        yield from _unknown(list(value.values()))
    elif isinstance(value, BaseModel):
        yield from value.additional_properties  # type: ignore[attr-defined]  # every model of Ory's has it
        yield from _unknown(
            [getattr(value, name) for name in type(value).model_fields if name != "additional_properties"]
        )
