"""Who is signed in at a fake Kratos; the documents are those of Ory's OpenAPI (`session`)."""

import copy
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from fastapi_factory_utilities.testing.ory.kratos_identities import Identities, now
from fastapi_factory_utilities.testing.ory.refusals import RefusalError

__all__ = ["COOKIE_NAME", "Sessions", "SignedIn"]

COOKIE_NAME = "ory_kratos_session"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What somebody holds who has signed in.

    Attributes:
        session_id: The session.
        identity_id: Whose it is.
        session_token: What programs send as `X-Session-Token`.
        session_cookie: What browsers send as the cookie `ory_kratos_session`.
    """

    session_id: str
    identity_id: str
    session_token: str = field(repr=False)
    session_cookie: str = field(repr=False)

    @property
    def cookie_headers(self) -> dict[str, str]:
        """The headers by which a browser comes with it."""
        return {"Cookie": f"{COOKIE_NAME}={self.session_cookie}"}

    @property
    def token_headers(self) -> dict[str, str]:
        """The headers by which a program comes with it."""
        return {"X-Session-Token": self.session_token}


class Sessions:
    """Sessions by their id, and what opens them.

    Args:
        identities: Whose they are.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._opened_by: dict[str, str] = {}
        self.documents: dict[str, Document] = {}

    def add(self, identity_id: str, *, aal: str, expires_in_seconds: float) -> SignedIn:
        """Sign somebody in."""
        self._identities.get(identity_id)
        session_id, time = str(uuid4()), now()
        expires_at = datetime.now(UTC) + timedelta(seconds=expires_in_seconds)
        self.documents[session_id] = {
            "id": session_id,
            "active": True,
            "authenticated_at": time,
            "issued_at": time,
            "expires_at": expires_at.isoformat().replace("+00:00", "Z"),
            "authenticator_assurance_level": aal,
            "authentication_methods": [{"method": "password", "aal": "aal1", "completed_at": time}]
            + ([{"method": "totp", "aal": "aal2", "completed_at": time}] if aal == "aal2" else []),
            "devices": [{"id": str(uuid4()), "ip_address": "203.0.113.7", "user_agent": "Test/1", "location": "Bern"}],
            "identity_id": identity_id,
        }
        token, cookie = f"ory_st_{secrets.token_urlsafe(24)}", secrets.token_urlsafe(48)
        self._opened_by[token] = self._opened_by[cookie] = session_id
        return SignedIn(session_id, identity_id, token, cookie)

    def opened_by(self, credential: str | None) -> Document | None:
        """Return the session that a token or a cookie opens, if it is active."""
        document = self.documents.get(self._opened_by.get(credential or "", ""))
        return document if document is not None and self.is_active(document) else None

    def is_active(self, document: Document) -> bool:
        """Whether it still opens anything: not revoked, not expired, and its owner not disabled."""
        owner = self._identities.documents.get(document["identity_id"])
        in_time = datetime.fromisoformat(document["expires_at"]) > datetime.now(UTC)
        return document["active"] and in_time and owner is not None and owner["state"] == "active"

    def get(self, session_id: str) -> Document:
        """Return one.

        Raises:
            RefusalError: There is none.
        """
        if session_id not in self.documents:
            raise RefusalError(404, "Unable to locate the resource")
        return self.documents[session_id]

    def of(self, identity_id: str | None, *, active: bool | None = None) -> list[Document]:
        """Return somebody's sessions, or everybody's."""
        return [
            document
            for document in list(self.documents.values())
            if identity_id in (None, document["identity_id"]) and (active is None or self.is_active(document) is active)
        ]

    def extend(self, session_id: str, *, seconds: float) -> Document:
        """Let one last longer."""
        document = self.get(session_id)
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        document["expires_at"] = expires_at.isoformat().replace("+00:00", "Z")
        return document

    def shown(self, document: Document, expand: Collection[str] = ("identity", "devices")) -> Document:
        """Return one as the API shows it."""
        wanted = {name.lower() for name in expand}
        shown = copy.deepcopy(document)
        identity = self._identities.documents.get(shown.pop("identity_id"))
        shown["active"] = self.is_active(document)
        if "devices" not in wanted:
            del shown["devices"]
        if "identity" in wanted and identity is not None:
            shown["identity"] = Identities.shown_to_public(identity)
        return shown
