"""The admin API of a fake Kratos, as far as services call it."""

import json
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.kratos_identities import Identities
from fastapi_factory_utilities.testing.ory.kratos_sessions import Sessions
from fastapi_factory_utilities.testing.ory.paging import page_of
from fastapi_factory_utilities.testing.ory.refusals import RefusalError, json_of

__all__ = ["AdminApi"]

_LIFESPAN_SECONDS: Final = 24 * 3600.0
_DURATION: Final = re.compile(r"(\d+)(h|m|s)")
_UNIT_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


class AdminApi:
    """What services may ask about anybody.

    Attributes:
        recovery_codes: The codes that were made so far, by the identity's id.
        recovery_links: The links.
    """

    def __init__(self, identities: Identities, sessions: Sessions) -> None:
        self._identities = identities
        self._sessions = sessions
        self.recovery_codes: dict[str, str] = {}
        self.recovery_links: dict[str, str] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what is served."""
        return [
            web.get("/admin/identities", self._list),
            web.post("/admin/identities", self._create),
            web.get("/admin/identities/{id}", self._get),
            web.put("/admin/identities/{id}", self._update),
            web.patch("/admin/identities/{id}", self._patch),
            web.delete("/admin/identities/{id}", self._delete),
            web.delete("/admin/identities/{id}/credentials/{type}", self._delete_credential),
            web.get("/admin/identities/{id}/sessions", self._sessions_of),
            web.delete("/admin/identities/{id}/sessions", self._disable_sessions_of),
            web.get("/admin/sessions", self._list_sessions),
            web.get("/admin/sessions/{id}", self._get_session),
            web.delete("/admin/sessions/{id}", self._disable_session),
            web.patch("/admin/sessions/{id}/extend", self._extend_session),
            web.post("/admin/recovery/code", self._recovery_code),
            web.post("/admin/recovery/link", self._recovery_link),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = self._identities.find(query.get("credentials_identifier"), query.getall("ids", ()))
        include = query.getall("include_credential", ())
        return page_of([Identities.shown(document, include) for document in found], request)

    async def _create(self, request: web.Request) -> web.Response:
        document = self._identities.add(await json_of(request))
        return web.json_response(Identities.shown(document), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        document = self._identities.get(request.match_info["id"])
        return web.json_response(Identities.shown(document, request.query.getall("include_credential", ())))

    async def _update(self, request: web.Request) -> web.Response:
        document = self._identities.replace(request.match_info["id"], await json_of(request))
        return web.json_response(Identities.shown(document))

    async def _patch(self, request: web.Request) -> web.Response:
        try:
            patches = json.loads(await request.read())
        except ValueError:
            patches = None
        if not isinstance(patches, list):
            raise RefusalError(400, "The request's body is no JSON patch.")
        return web.json_response(Identities.shown(self._identities.patch(request.match_info["id"], patches)))

    async def _delete(self, request: web.Request) -> web.Response:
        identity_id = self._identities.get(request.match_info["id"])["id"]
        del self._identities.documents[identity_id]
        for session in self._sessions.of(identity_id):
            del self._sessions.documents[session["id"]]
        return web.Response(status=204)

    async def _delete_credential(self, request: web.Request) -> web.Response:
        self._identities.drop_credential(request.match_info["id"], request.match_info["type"])
        return web.Response(status=204)

    async def _sessions_of(self, request: web.Request) -> web.Response:
        identity_id = self._identities.get(request.match_info["id"])["id"]
        found = self._sessions.of(identity_id, active=_active(request))
        return page_of([self._sessions.shown(session) for session in found], request)

    async def _disable_sessions_of(self, request: web.Request) -> web.Response:
        for session in self._sessions.of(self._identities.get(request.match_info["id"])["id"]):
            del self._sessions.documents[session["id"]]
        return web.Response(status=204)

    async def _list_sessions(self, request: web.Request) -> web.Response:
        expand = request.query.getall("expand", ())
        found = self._sessions.of(None, active=_active(request))
        return page_of([self._sessions.shown(session, expand) for session in found], request)

    async def _get_session(self, request: web.Request) -> web.Response:
        session = self._sessions.get(request.match_info["id"])
        return web.json_response(self._sessions.shown(session, request.query.getall("expand", ())))

    async def _disable_session(self, request: web.Request) -> web.Response:
        self._sessions.get(request.match_info["id"])["active"] = False
        return web.Response(status=204)

    async def _extend_session(self, request: web.Request) -> web.Response:
        self._sessions.extend(request.match_info["id"], seconds=_LIFESPAN_SECONDS)
        return web.Response(status=204)

    async def _recovery_code(self, request: web.Request) -> web.Response:
        identity_id, expires_at = self._recovery(await json_of(request))
        code = self.recovery_codes[identity_id] = f"{secrets.randbelow(10**6):06}"
        link = f"http://kratos.test/self-service/recovery?flow={secrets.token_hex(8)}"
        body = {"recovery_code": code, "recovery_link": link, "expires_at": expires_at}
        return web.json_response(body, status=201)

    async def _recovery_link(self, request: web.Request) -> web.Response:
        identity_id, expires_at = self._recovery(await json_of(request))
        link = f"http://kratos.test/self-service/recovery?token={secrets.token_urlsafe(16)}"
        self.recovery_links[identity_id] = link
        return web.json_response({"recovery_link": link, "expires_at": expires_at})

    def _recovery(self, body: dict[str, str]) -> tuple[str, str]:
        """Return whose account is to be recovered, and until when."""
        identity_id = self._identities.get(str(body.get("identity_id")))["id"]
        given = body.get("expires_in") or "1h"
        parts = _DURATION.findall(given)
        if "".join(map("".join, parts)) != given:
            raise RefusalError(400, "expires_in is no duration such as 1h or 30m.")
        seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts)
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        return identity_id, expires_at.isoformat().replace("+00:00", "Z")


def _active(request: web.Request) -> bool | None:
    active = request.query.get("active")
    return None if active is None else active.lower() == "true"
