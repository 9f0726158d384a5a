"""`/docs` (Swagger UI) and `/redoc`, with every byte from this machine.

The scripts come from the wheel `fastapi-offline`, of which only the files are used. Pages and scripts name each other
relatively, so they work under any root path. There is no inline script, and a content security policy forbids whatever
would come from elsewhere.
"""

import hashlib
import html
import json
import re
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from fastapi_factory_utilities.core.exceptions import ApplicationError

__all__ = ["add_docs"]

_WHEEL = "fastapi_offline"
# "Try it out" calls the servers that the document names; all else is ours. Both UIs write style attributes; ReDoc
# searches in a worker that it makes itself.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' http: https:; worker-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

_SWAGGER_UI = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Swagger UI</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# The validator badge would send the document's address to another server.
_START = """\
window.ui = SwaggerUIBundle({{
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  layout: "BaseLayout",
  showExtensions: true,
  showCommonExtensions: true,
  validatorUrl: null,
  oauth2RedirectUrl: new URL("docs/oauth2-redirect", document.baseURI).href,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  ...{parameters}
}});
"""

_REDOC = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - ReDoc</title>
<link rel="icon" href="docs/assets/favicon.png">
<style>body {{ margin: 0; padding: 0; }}</style>
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="docs/assets/redoc.standalone.js"></script>
</body>
</html>
"""


def add_docs(app: FastAPI) -> None:
    """Add `/docs`, `/docs/oauth2-redirect`, `/redoc` and what they need to an application that has `/openapi.json`.

    The files are cached by browsers and asked for again with their `ETag`. `app.swagger_ui_parameters` holds for them
    as it does for FastAPI's own page.
    """

    async def swagger_ui(_: Request) -> Response:
        return HTMLResponse(_SWAGGER_UI.format(title=html.escape(app.title)), headers=_HEADERS)

    async def start(_: Request) -> Response:
        script = _START.format(parameters=json.dumps(app.swagger_ui_parameters or {}))
        return Response(script, headers=_HEADERS, media_type="text/javascript")

    async def redoc(_: Request) -> Response:
        return HTMLResponse(_REDOC.format(title=html.escape(app.title)), headers=_HEADERS)

    async def oauth2_redirect(_: Request) -> Response:
        page = get_swagger_ui_oauth2_redirect_html()
        return HTMLResponse(page.body, headers=_HEADERS | {"Content-Security-Policy": _policy_of(bytes(page.body))})

    app.add_route("/docs", swagger_ui, include_in_schema=False)
    app.add_route("/docs/start.js", start, include_in_schema=False)
    app.add_route("/docs/oauth2-redirect", oauth2_redirect, include_in_schema=False)
    app.add_route("/redoc", redoc, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=_assets()), name="docs-assets")


def _policy_of(page: bytes) -> str:
    """Allow the scripts that stand in a page of FastAPI's, as they are, and nothing else (CSP level 3, 2.3.1)."""
    hashes = [
        f"'sha256-{b64encode(hashlib.sha256(script).digest()).decode('ascii')}'"
        for script in re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    ]
    return f"default-src 'none'; script-src {' '.join(hashes)}; base-uri 'none'; frame-ancestors 'none'"


def _assets() -> Path:
    # Found, not imported: the package's code is of no use here.
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ApplicationError("/docs needs the package fastapi-offline, a dependency of ours: pip install it again")
    return Path(spec.origin).parent / "static"
