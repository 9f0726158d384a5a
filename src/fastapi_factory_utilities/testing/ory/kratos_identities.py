"""The people that a fake Kratos knows; the documents are those of Ory's OpenAPI (`identity`)."""

import copy
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi_factory_utilities.testing.ory.refusals import RefusalError

__all__ = ["Identities", "now"]

Document = dict[str, Any]

_OPTIONAL = ("external_id", "metadata_public", "metadata_admin", "organization_id", "verifiable_addresses")
_PATCHABLE = ("traits", "schema_id", "state", "metadata_public", "metadata_admin", "external_id")


def now() -> str:
    """Return the time as Ory writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Identities:
    """Identities by their id, with their credentials."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def add(self, body: Mapping[str, Any]) -> Document:
        """Add one as `createIdentityBody` says.

        Raises:
            RefusalError: The body is not complete (400), or somebody has that identifier (409).
        """
        traits = body.get("traits")
        if not isinstance(traits, Mapping) or not isinstance(body.get("schema_id"), str):
            raise RefusalError(400, "schema_id and traits are required.")
        identifiers = _identifiers(traits)
        if any(self.has(identifier) for identifier in identifiers):
            raise RefusalError(409, "This conflicts with an existing identifier.")
        identity_id, time = str(uuid4()), now()
        document: Document = {
            "id": identity_id,
            "schema_id": body["schema_id"],
            "schema_url": f"http://kratos.test/schemas/{body['schema_id']}",
            "state": body.get("state") or "active",
            "traits": copy.deepcopy(dict(traits)),
            "created_at": time,
            "updated_at": time,
            "credentials": {},
            "recovery_addresses": body.get("recovery_addresses")
            or [_address(identifier) for identifier in identifiers],
        }
        document |= {name: body[name] for name in _OPTIONAL if body.get(name) is not None}
        for kind, given in (body.get("credentials") or {}).items():
            self._give(document, kind, given or {}, identifiers)
        self.documents[identity_id] = document
        return document

    def get(self, identity_id: str) -> Document:
        """Return one.

        Raises:
            RefusalError: There is none.
        """
        if identity_id not in self.documents:
            raise RefusalError(404, "Unable to locate the resource")
        return self.documents[identity_id]

    def has(self, identifier: str) -> bool:
        """Whether somebody signs in with this."""
        return any(identifier in _identifiers(document["traits"]) for document in list(self.documents.values()))

    def find(self, identifier: str | None = None, ids: Collection[str] = ()) -> list[Document]:
        """Return those who sign in with this, or have one of these ids; all if nothing is asked for."""
        found = list(self.documents.values())
        if ids:
            return [document for document in found if document["id"] in ids]
        if identifier:
            return [document for document in found if identifier in _identifiers(document["traits"])]
        return found

    def replace(self, identity_id: str, body: Mapping[str, Any]) -> Document:
        """Replace what `updateIdentityBody` says.

        Raises:
            RefusalError: There is none (404), or the body is not complete (400).
        """
        document = self.get(identity_id)
        if not isinstance(body.get("traits"), Mapping) or body.get("state") not in ("active", "inactive"):
            raise RefusalError(400, "schema_id, traits and state are required.")
        document |= {name: body[name] for name in _PATCHABLE if body.get(name) is not None}
        for kind, given in (body.get("credentials") or {}).items():
            self._give(document, kind, given or {}, _identifiers(document["traits"]))
        document["updated_at"] = now()
        return document

    def patch(self, identity_id: str, patches: Sequence[Mapping[str, Any]]) -> Document:
        """Change it as a JSON patch says (RFC 6902): `add`, `replace`, `remove` and `test`, of members of objects.

        Raises:
            RefusalError: There is none (404), or the patch cannot be applied (400).
        """
        changed = copy.deepcopy(self.get(identity_id))
        try:
            for patch in patches:
                _apply(changed, patch)
        except (KeyError, TypeError, ValueError):
            raise RefusalError(400, "The patch could not be applied.") from None
        changed["updated_at"] = now()
        self.documents[identity_id] = changed
        return changed

    def drop_credential(self, identity_id: str, kind: str) -> None:
        """Take a credential away.

        Raises:
            RefusalError: There is none.
        """
        if self.get(identity_id)["credentials"].pop(kind, None) is None:
            raise RefusalError(404, "Unable to locate the resource")

    @staticmethod
    def shown(document: Document, include: Collection[str] = ()) -> Document:
        """Return one as the admin API shows it: secrets of credentials only if they are asked for."""
        document = copy.deepcopy(document)
        for kind, credential in document["credentials"].items():
            if kind not in include:
                del credential["config"]
        return document

    @staticmethod
    def shown_to_public(document: Document) -> Document:
        """Return one as its session shows it: without credentials, and without what is for administrators."""
        return {
            name: value
            for name, value in copy.deepcopy(document).items()
            if name not in ("credentials", "metadata_admin")
        }

    @staticmethod
    def _give(document: Document, kind: str, given: Mapping[str, Any], identifiers: list[str]) -> None:
        config = dict(given.get("config") or {})
        if kind == "password" and "password" in config:
            config = {"hashed_password": f"$fake$of {len(config['password'])} characters"}
        document["credentials"][kind] = {
            "type": kind,
            "identifiers": identifiers,
            "config": config,
            "version": 0,
            "created_at": now(),
            "updated_at": now(),
        }


def _identifiers(traits: Mapping[str, Any]) -> list[str]:
    return [traits[name] for name in ("email", "username") if isinstance(traits.get(name), str)]


def _address(value: str) -> Document:
    return {"id": str(uuid4()), "value": value, "via": "email", "created_at": now(), "updated_at": now()}


def _apply(document: Document, patch: Mapping[str, Any]) -> None:
    *above, name = [part.replace("~1", "/").replace("~0", "~") for part in patch["path"].split("/")[1:]]
    if [*above, name][0] not in _PATCHABLE:
        raise ValueError("may not be patched")
    for part in above:
        document = document[part]
    match patch["op"]:
        case "add":
            document[name] = patch["value"]
        case "replace" if name in document:
            document[name] = patch["value"]
        case "remove":
            del document[name]
        case "test" if document.get(name) == patch["value"]:
            pass
        case _:
            raise ValueError("unknown, or not so")
