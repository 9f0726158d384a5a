"""The public API of a fake Kratos, as far as services call it."""

from collections.abc import Sequence
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.kratos_sessions import COOKIE_NAME, Sessions
from fastapi_factory_utilities.testing.ory.paging import page_of
from fastapi_factory_utilities.testing.ory.refusals import RefusalError, json_of

__all__ = ["PublicApi"]


class PublicApi:
    """What users and their browsers may ask about themselves.

    Attributes:
        second_factor_required: Whether a session needs `aal2`.
        login_url: Where somebody is sent for a second factor.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.second_factor_required: bool = False
        self.login_url: str = "http://kratos.test/self-service/login/browser?aal=aal2"

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what is served."""
        return [
            web.get("/sessions/whoami", self._whoami),
            web.get("/sessions", self._list),
            web.delete("/sessions", self._disable_others),
            web.delete("/sessions/{id}", self._disable),
            web.delete("/self-service/logout/api", self._logout),
        ]

    def _own(self, request: web.Request) -> dict[str, Any]:
        """Return the session that a request comes with: by its header, its cookie, or as a bearer token."""
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = (
            request.headers.get("X-Session-Token")
            or request.cookies.get(COOKIE_NAME)
            or (bearer if scheme.lower() == "bearer" else None)
        )
        session = self._sessions.opened_by(given)
        if session is None:
            raise RefusalError(401, "No valid session credentials found in the request.", id="session_inactive")
        return session

    async def _whoami(self, request: web.Request) -> web.Response:
        session = self._own(request)
        if self.second_factor_required and session["authenticator_assurance_level"] == "aal1":
            raise RefusalError(
                403,
                "A valid session was detected but it does not fulfil the required assurance level.",
                id="session_aal2_required",
                beside={"redirect_browser_to": self.login_url},
            )
        shown = self._sessions.shown(session)
        if template := request.query.get("tokenize_as"):
            shown["tokenized"] = f"{template}.{session['id']}.token"
        return web.json_response(shown, headers={"X-Kratos-Authenticated-Identity-Id": session["identity_id"]})

    async def _list(self, request: web.Request) -> web.Response:
        own = self._own(request)
        others = [other for other in self._sessions.of(own["identity_id"], active=True) if other is not own]
        return page_of([self._sessions.shown(other) for other in others], request)

    async def _disable(self, request: web.Request) -> web.Response:
        own = self._own(request)
        session = self._sessions.get(request.match_info["id"])
        if session is own:
            raise RefusalError(400, "The current session cannot be revoked here: log out instead.")
        if session["identity_id"] != own["identity_id"]:
            raise RefusalError(404, "Unable to locate the resource")
        session["active"] = False
        return web.Response(status=204)

    async def _disable_others(self, request: web.Request) -> web.Response:
        own = self._own(request)
        others = [other for other in self._sessions.of(own["identity_id"], active=True) if other is not own]
        for other in others:
            other["active"] = False
        return web.json_response({"count": len(others)})

    async def _logout(self, request: web.Request) -> web.Response:
        session = self._sessions.opened_by((await json_of(request)).get("session_token"))
        if session is None:
            raise RefusalError(403, "The provided session token could not be found, or is invalid.")
        session["active"] = False
        return web.Response(status=204)
