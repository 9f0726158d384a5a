"""`/docs` and `/redoc`, as far as no browser is needed; see `tests/integration/browser` for the rest."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import create_fastapi


def addresses(page: str) -> Iterator[str]:
    yield from re.findall(r"""(?:src|href|spec-url)="([^"]+)""", page)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_names_only_what_this_server_has(client: TestClient, path: str) -> None:
    page = client.get(path)

    assert page.status_code == 200
    found = list(addresses(page.text))
    assert len(found) >= 3
    for address in found:
        assert not address.startswith(("http:", "https:", "/"))
        assert client.get(f"/{address}").status_code == 200, address


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_has_no_inline_script_and_forbids_what_comes_from_elsewhere(client: TestClient, path: str) -> None:
    page = client.get(path)

    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_title_cannot_break_out_of_its_element() -> None:
    app = create_fastapi(title="</title><script>", version="1")

    assert "</title><script>" not in TestClient(app).get("/docs").text


def test_scripts_are_asked_for_again_with_their_etag(client: TestClient) -> None:
    first = client.get("/docs/assets/swagger-ui.css")
    again = client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"].startswith("text/css")
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_no_asset_is_a_problem(client: TestClient) -> None:
    for path in ("/docs/assets/nothing.js", "/docs/assets/../core.py", "/docs/assets/%2e%2e/core.py"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


def test_the_oauth2_redirect_page_is_there(client: TestClient) -> None:
    assert "oauth2" in client.get("/docs/oauth2-redirect").text


def test_no_other_server_is_asked_to_validate_the_document(client: TestClient) -> None:
    assert "validatorUrl: null" in client.get("/docs/start.js").text


def test_parameters_of_the_ui_are_passed_on(app: FastAPI, client: TestClient) -> None:
    app.swagger_ui_parameters = {"tryItOutEnabled": True}

    script = client.get("/docs/start.js")

    assert script.headers["content-type"].startswith("text/javascript")
    assert '...{"tryItOutEnabled": true}' in script.text


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/assets/swagger-ui.css", "/redoc", "/openapi.json"])
def test_without_docs_there_is_nothing(path: str) -> None:
    app = create_fastapi(title="Library", version="1", docs_enabled=False)

    assert app.routes == []
    assert TestClient(app).get(path).status_code == 404
