"""What the service gives and raises, whatever Kratos answers."""

import asyncio
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, HttpServiceDependencyConfig
from fastapi_factory_utilities.core.plugins.aiohttp.mockers import (
    build_mocked_aiohttp_resource,
    build_mocked_aiohttp_response,
)
from fastapi_factory_utilities.core.services.kratos import (
    KratosConflictError,
    KratosGenericWhoamiService,
    KratosIdentity,
    KratosIdentityGenericService,
    KratosNotFoundError,
    KratosOperationError,
    KratosSecondFactorError,
    KratosService,
    KratosSession,
    KratosSessionGenericService,
    KratosSessionInvalidError,
    KratosUnavailableError,
)
from fastapi_factory_utilities.testing import FaultProxy
from fastapi_factory_utilities.testing.ory import FakeKratos
from tests.integration.kratos.conftest import PATIENCE, service_of

NOBODY = "00000000-0000-4000-8000-000000000000"
EMAIL = "ada@example.org"
PASSWORD = "correct horse"


class Traits(BaseModel):
    """What this service's identity schema says."""

    email: str
    nickname: str | None = None


class Whoami(KratosGenericWhoamiService[KratosSession[KratosIdentity[Traits]]]):
    """Knows those traits."""


class People(KratosIdentityGenericService[KratosIdentity[Traits]]):
    """Knows them as well."""


async def test_a_life_from_the_first_day_to_the_last(kratos: FakeKratos, service: KratosService) -> None:
    ada = await service.create_identity(Traits(email=EMAIL), password=SecretStr(PASSWORD))
    assert ada.traits == {"email": EMAIL}
    assert ada.is_active
    assert ada.created_at is not None
    assert await service.find_identity(EMAIL) == await service.get_identity(ada.id)
    assert await service.find_identity("nobody@example.org") is None
    session = await service.whoami(session_token=kratos.sign_in(str(ada.id)).session_token)
    assert session.identity.id == ada.id
    assert session.is_active
    assert session.devices[0].location == "Bern"
    assert (await service.get_session(session.id)).identity.traits == ada.traits
    changed = await service.update_identity(ada.id, {"email": EMAIL, "nickname": "a"}, state="inactive")
    assert not changed.is_active
    assert changed.traits["nickname"] == "a"
    await service.patch_identity(ada.id, [{"op": "replace", "path": "/state", "value": "active"}])
    code = await service.create_recovery_code(ada.id, expires_in=timedelta(minutes=5))
    assert code.recovery_code.get_secret_value() == kratos.recovery_codes[str(ada.id)]
    assert code.expires_at is not None
    assert code.expires_at < datetime.now(UTC) + timedelta(minutes=6)
    link = await service.create_recovery_link(ada.id)
    assert link.recovery_link.get_secret_value() == kratos.recovery_links[str(ada.id)]
    await service.disable_session(session.id)
    assert [one.is_active for one in (await service.list_identity_sessions(ada.id)).items] == [False]
    await service.delete_credential(ada.id, "password")
    with pytest.raises(KratosNotFoundError):
        await service.delete_credential(ada.id, "password")
    await service.delete_identity(ada.id)
    with pytest.raises(KratosNotFoundError):
        await service.get_identity(ada.id)


async def test_traits_are_a_model_of_yours_in_a_derived_class_and_in_a_parameterised_one(kratos: FakeKratos) -> None:
    token = kratos.sign_in(kratos.add_identity({"email": EMAIL})).session_token
    async with (
        AioHttpClientResource("k", HttpServiceDependencyConfig(url=kratos.public_url)) as public,
        AioHttpClientResource("k", HttpServiceDependencyConfig(url=kratos.admin_url)) as admin,
    ):
        derived = await Whoami(public).whoami(session_token=token)
        given = await KratosGenericWhoamiService[KratosSession[KratosIdentity[Traits]]](public).whoami(
            session_token=token
        )
        sessions = KratosSessionGenericService[KratosSession[KratosIdentity[Traits]]](admin)
        people = [person async for person in People(admin).stream_identities()]
        found = [derived.identity, given.identity, (await sessions.list_sessions()).items[0].identity, *people]
    assert [one.traits for one in found] == [Traits(email=EMAIL)] * 4


async def test_everybody_is_gone_through_page_by_page(kratos: FakeKratos, service: KratosService) -> None:
    ids = [kratos.add_identity({"username": f"u{number}"}) for number in range(5)]
    assert [str(one.id) async for one in service.stream_identities(page_size=2)] == ids
    assert len(kratos.requests) == 3
    kratos.answer(200, [], headers={"Link": '</admin/identities?page_token=a>; rel="next"'})
    async with asyncio.timeout(2):  # it ends, though there is always a next page
        assert [one async for one in service.stream_identities()] == []


async def test_a_session_that_is_over_revoked_or_whose_owner_is_disabled_is_none(
    kratos: FakeKratos, service: KratosService
) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    over, revoked, good = kratos.sign_in(ada, expires_in_seconds=-1), kratos.sign_in(ada), kratos.sign_in(ada)
    kratos.revoke(revoked)
    for session in (over, revoked):
        with pytest.raises(KratosSessionInvalidError):
            await service.whoami(session_token=session.session_token)
    document = (await service.whoami(session_token=good.session_token)).model_dump(mode="json")
    past = {"expires_at": "2020-01-01T00:00:00Z"}
    disabled = {"identity": document["identity"] | {"state": "inactive"}}
    for lie in ({"active": False}, past, disabled, {"active": None}):
        kratos.answer(200, {key: value for key, value in (document | lie).items() if value is not None})
        with pytest.raises(KratosSessionInvalidError):
            await service.whoami(session_token=good.session_token)
    kratos.heal()
    kratos.disable_identity(ada)
    with pytest.raises(KratosSessionInvalidError):
        await service.whoami(session_token=good.session_token)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Admin: 1", "a\x00", "é", "a" * 5000])
async def test_what_can_be_nobodys_credential_is_not_sent_at_all(
    kratos: FakeKratos, service: KratosService, token: str
) -> None:
    with pytest.raises(KratosSessionInvalidError):
        await service.whoami(session_token=token)
    with pytest.raises(KratosSessionInvalidError):
        await service.whoami()
    with pytest.raises(KratosSessionInvalidError):
        await service.whoami("a=b\r\nX-Admin: 1")
    assert kratos.requests == []


@pytest.mark.parametrize("bad", ["", "..", "../sessions", "ada", "%2e%2e"])
async def test_what_is_no_id_is_refused_before_it_becomes_a_path(
    kratos: FakeKratos, service: KratosService, bad: str
) -> None:
    for ask in (service.get_identity, service.delete_identity, service.delete_identity_sessions, service.get_session):
        with pytest.raises(ValueError, match="UUID"):
            await ask(bad)
    with pytest.raises(ValueError, match="kind"):
        await service.delete_credential(NOBODY, bad.replace("ada", "a/b"))
    assert kratos.requests == []


async def test_a_cookie_goes_out_as_it_came_and_none_of_one_person_with_anothers_question(
    kratos: FakeKratos, service: KratosService
) -> None:
    kratos.answer(401, headers={"Set-Cookie": "ory_kratos_session=of-ada; Path=/"})
    for cookie in ('ory_kratos_session=a1|b"==_-%2F; other="x"', "ory_kratos_session=of-bob"):
        with pytest.raises(KratosSessionInvalidError):
            await service.whoami(cookie)
        assert kratos.requests[-1].headers["cookie"] == cookie


async def test_a_redirect_is_not_followed_so_that_nobody_else_gets_a_credential(
    kratos: FakeKratos, service: KratosService
) -> None:
    with FakeKratos() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            kratos.answer(status, {}, headers={"Location": f"{elsewhere.public_url}/sessions/whoami"})
            with pytest.raises(KratosUnavailableError):
                await service.whoami(session_token="secret")
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, KratosOperationError),
        (401, KratosOperationError),
        (403, KratosOperationError),
        (404, KratosNotFoundError),
        (409, KratosConflictError),
        (429, KratosUnavailableError),
        (500, KratosUnavailableError),
        (502, KratosUnavailableError),
        (503, KratosUnavailableError),
        (204, KratosUnavailableError),
    ],
)
async def test_each_status_has_its_error_which_says_what_was_asked_and_nothing_of_the_answer(
    kratos: FakeKratos, service: KratosService, status: int, error: type[KratosOperationError]
) -> None:
    told = {"error": {"id": EMAIL, "code": status, "message": f"{EMAIL} is bad", "reason": EMAIL, "debug": EMAIL}}
    kratos.answer(status, told, headers={"Retry-After": "7"})
    with pytest.raises(KratosOperationError) as caught:
        await service.create_identity({"email": EMAIL}, password=SecretStr(PASSWORD))
    assert type(caught.value) is error
    assert caught.value.fields["status"] == status
    assert caught.value.fields["operation"] == "create identity"
    assert "create identity" in str(caught.value)
    if isinstance(caught.value, BackendUnavailableError):
        assert caught.value.retry_after_seconds == 7
    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value.fields)
    assert [word for word in (EMAIL, PASSWORD) if word in everything] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"id": 1', b"[" * 100_000, b"<html>", b'{"error": "x"}', b'{"error": {"id": [1]}}'],
)
async def test_an_answer_that_is_none_is_an_unavailable_kratos_and_is_not_told(
    kratos: FakeKratos, service: KratosService, body: bytes
) -> None:
    kratos.answer(200, body)
    with pytest.raises(KratosUnavailableError):
        await service.whoami(session_token="token")
    kratos.answer(401, body)
    with pytest.raises(KratosSessionInvalidError):
        await service.whoami(session_token="token")
    kratos.answer(200, {"id": EMAIL, "active": True, "identity": {"traits": EMAIL}})
    with pytest.raises(KratosUnavailableError) as caught:
        await service.whoami(session_token="token")
    assert EMAIL not in "".join(traceback.format_exception(caught.value))
    assert "identity.schema_id" in str(caught.value)


async def test_a_kratos_that_is_away_slow_or_breaks_off_is_unavailable_and_is_used_again_when_it_is_back(
    kratos: FakeKratos,
) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    brief = PATIENCE | {"timeout": {"total_seconds": 0.3, "attempt_seconds": 0.3}}
    with FaultProxy.for_uri(kratos.public_url) as line:
        entry = HttpServiceDependencyConfig(url=line.uri, **brief)
        async with AioHttpClientResource("kratos_public", entry) as resource:
            service = KratosService(resource)
            token = kratos.sign_in(ada).session_token
            kratos.hang(times=1)
            with pytest.raises(KratosUnavailableError, match="whoami"):
                await service.whoami(session_token=token)
            line.refuse()
            with pytest.raises(KratosUnavailableError, match="cannot be reached"):
                await service.whoami(session_token=token)
            line.heal()
            assert str((await service.whoami(session_token=token)).identity.id) == ada
        with pytest.raises(KratosUnavailableError, match="does not run"):
            await service.whoami(session_token=token)


async def test_a_second_factor_is_asked_for_where_kratos_says(kratos: FakeKratos, service: KratosService) -> None:
    ada = kratos.add_identity({"email": EMAIL})
    kratos.require_second_factor()
    with pytest.raises(KratosSecondFactorError) as caught:
        await service.whoami(session_token=kratos.sign_in(ada).session_token)
    assert caught.value.redirect_browser_to == "http://kratos.test/self-service/login/browser?aal=aal2"
    strong = await service.whoami(session_token=kratos.sign_in(ada, aal="aal2").session_token)
    assert [method.method for method in strong.authentication_methods] == ["password", "totp"]


async def test_nothing_about_a_person_is_in_the_repr_of_what_comes_back(
    kratos: FakeKratos, service: KratosService
) -> None:
    public: dict[str, Any] = {"metadata_public": {"m": EMAIL}, "external_id": EMAIL, "metadata_admin": {"m": EMAIL}}
    ada = kratos.add_identity({"email": EMAIL}, credentials={"password": {"config": {"password": "x"}}}, **public)
    session = await service.whoami(session_token=kratos.sign_in(ada).session_token, tokenize_as="secretjwt")
    page = await service.list_identities()
    code, link = await service.create_recovery_code(ada), await service.create_recovery_link(ada)
    said = repr([session, page, page.items, code, link, list(page.items[0].credentials.values())])
    secret = [code.recovery_code.get_secret_value(), link.recovery_link.get_secret_value(), "secretjwt"]
    assert [word for word in (EMAIL, "203.0.113.7", "$fake$", *secret) if word in said] == []


async def test_an_api_key_is_sent_to_the_admin_api_only() -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: Any) -> Any:
        asked.append((request.url.path, request.headers.get("Authorization")))
        return build_mocked_aiohttp_response(200, json=[])

    resource = build_mocked_aiohttp_resource(get=answer)
    service = KratosService(resource, api_key=SecretStr("key"))
    await service.list_my_sessions(session_token="t")
    await service.list_identities()
    assert asked == [("/sessions", None), ("/admin/identities", "Bearer key")]


async def test_conflicts_and_bad_arguments_are_told_apart(kratos: FakeKratos) -> None:
    async with service_of(kratos) as service:
        ada = kratos.add_identity({"email": EMAIL})
        with pytest.raises(KratosConflictError):
            await service.create_identity({"email": EMAIL})
        with pytest.raises(KratosOperationError, match="400"):
            await service.patch_identity(ada, [{"op": "replace", "path": "/id", "value": NOBODY}])
        with pytest.raises(ValueError, match="page_size"):
            await service.list_identities(page_size=501)
        with pytest.raises(ValueError, match="expires_in"):
            await service.create_recovery_code(ada, expires_in=timedelta(0))
        with pytest.raises(KratosNotFoundError):
            await service.create_recovery_link(NOBODY)
