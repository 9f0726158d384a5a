"""What the fakes of Ory's servers have in common, shown by that of Kratos."""

import asyncio
import gc
import json
import logging
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from fastapi_factory_utilities.testing import no_leaks
from fastapi_factory_utilities.testing.ory import FakeKratos


def ask(url: str, method: str = "GET", seconds: float = 5.0) -> tuple[int, Any]:
    """Ask as any client would."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310 - loopback
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_an_order_is_for_its_paths_and_for_as_many_requests_as_it_says() -> None:
    with FakeKratos() as kratos:
        kratos.answer(502, path="/sessions/whoami", times=2)
        whoami = f"{kratos.public_url}/sessions/whoami"
        assert ask(f"{kratos.public_url}/sessions")[0] == 401
        assert [ask(whoami)[0] for _ in range(3)] == [502, 502, 401]
        kratos.garbage()
        assert b"<html>" in ask(whoami)[1]
        kratos.heal()
        assert ask(whoami)[1]["error"]["id"] == "session_inactive"


def test_what_it_does_not_serve_is_refused_as_ory_refuses_and_each_api_has_its_own_door() -> None:
    with FakeKratos() as kratos:
        assert ask(f"{kratos.public_url}/admin/identities")[0] == 404
        assert ask(f"{kratos.admin_url}/sessions/whoami")[0] == 404
        status, body = ask(f"{kratos.admin_url}/admin/identities", "DELETE")
        assert (status, body["error"]["code"]) == (405, 405)
        assert [(request.door, request.status) for request in kratos.requests] == [
            ("public", 404),
            ("admin", 404),
            ("admin", 405),
        ]
        kratos.forget_requests()
        assert kratos.requests == []


async def test_it_closes_while_requests_hang_leaves_nothing_behind_and_starts_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kratos = FakeKratos()
    ada = kratos.add_identity({"email": "ada@example.org"})
    with pytest.raises(RuntimeError, match="with kratos"):
        _ = kratos.public_url
    async with no_leaks():
        with kratos:
            kratos.hang()
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(ask, f"{kratos.public_url}/sessions/whoami", "GET", 0.05)
            late = threading.Thread(target=_ask_in_vain, args=(f"{kratos.public_url}/sessions/whoami",))
            late.start()
            await asyncio.sleep(0.05)
        await asyncio.to_thread(late.join)
    gc.collect()
    # asyncio tells of tasks that nobody ended
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING], caplog.text
    kratos.heal()
    with kratos:
        assert (await asyncio.to_thread(ask, f"{kratos.admin_url}/admin/identities/{ada}"))[0] == 200


def _ask_in_vain(url: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - whichever way it breaks off
        ask(url)


def test_what_somebody_holds_is_not_in_its_repr() -> None:
    kratos = FakeKratos()
    session = kratos.sign_in(kratos.add_identity({"email": "ada@example.org"}))
    assert session.session_token not in repr(session)
    assert session.session_cookie not in repr(session)
