"""How Ory gives lists in pages: the next page's token is in the header `Link` (RFC 8288)."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.refusals import RefusalError

__all__ = ["page_of"]

_DEFAULT_SIZE, _MOST = 250, 1000


def page_of(documents: Sequence[Any], request: web.Request) -> web.Response:
    """Answer with the page that a request asks for by `page_size` and `page_token`.

    Raises:
        RefusalError: One of them is none.
    """
    try:
        size = int(request.query.get("page_size", _DEFAULT_SIZE))
        start = int(base64.urlsafe_b64decode(request.query.get("page_token", "") or "MA=="))
    except ValueError:
        raise RefusalError(400, "The page's size or token is none.") from None
    size = max(1, min(size, _MOST))
    query = {name: value for name, value in request.query.items() if name not in ("page_size", "page_token")}

    def link(offset: int, kind: str) -> str:
        token = base64.urlsafe_b64encode(str(offset).encode()).decode()
        return f'<{request.path}?{urlencode(query | {"page_size": size, "page_token": token})}>; rel="{kind}"'

    links = [link(0, "first")]
    if start + size < len(documents):
        links.append(link(start + size, "next"))
    return web.json_response(list(documents[start : start + size]), headers={"Link": ",".join(links)})
