"""A page of another origin in a real browser, whose user is signed in."""

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Request, WebSocket
from playwright.async_api import Page
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.api import create_fastapi, csrf_protection

Serve = Callable[[ASGIApp], str]


class Shop:
    """A service with a session in a cookie, and what was done in it."""

    def __init__(self, *, protected: bool) -> None:
        self.done: list[str] = []
        self.app: FastAPI = create_fastapi(
            title="Shop", version="1", csrf_protection=csrf_protection(enabled=protected)
        )
        self.app.add_api_route("/", self.page)
        self.app.add_api_route("/orders", self.order, methods=["POST"])
        self.app.add_api_websocket_route("/live", self.live)

    async def page(self) -> Response:
        answer = HTMLResponse('<form method="post" action="/orders"><button>Order</button></form>')
        answer.set_cookie("session", "ann", httponly=True)
        return answer

    async def order(self, request: Request) -> None:
        self.done.append(f"order of {request.cookies.get('session')}")

    async def live(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.done.append(f"live with {websocket.cookies.get('session')}")


def evil(shop: str) -> FastAPI:
    app = FastAPI(openapi_url=None)
    page = f"""
        <form method="post" action="{shop}/orders" target="hidden"></form><iframe name="hidden"></iframe>
        <script>
          document.forms[0].submit();
          const fetched = fetch("{shop}/orders", {{method: "POST", mode: "no-cors", credentials: "include"}});
          const socket = new WebSocket("{shop.replace("http", "ws")}/live");
          const opened = new Promise(done => {{ socket.onopen = socket.onerror = done; }});
          window.attacked = Promise.allSettled([fetched, opened, new Promise(done => {{
            document.querySelector("iframe").onload = done; }})]);
        </script>"""
    app.add_api_route("/", lambda: HTMLResponse(page))
    return app


@pytest.mark.parametrize("protected", [True, False])
async def test_a_page_of_another_origin_does_nothing_in_the_name_of_a_user(
    page: Page, serve: Serve, protected: bool
) -> None:
    shop = Shop(protected=protected)
    address = serve(shop.app)
    await page.goto(address)

    async with asyncio.timeout(20):
        await page.goto(serve(evil(address)))
        await page.evaluate("window.attacked")

    # Without protection each of the three would succeed: the attack is real.
    expected = [] if protected else ["live with ann", "order of ann", "order of ann"]
    assert sorted(shop.done) == expected
    await page.goto(address)
    async with page.expect_response("**/orders") as answered:
        await page.get_by_role("button").click()
    assert (await answered.value).status == 200
    assert shop.done.count("order of ann") == expected.count("order of ann") + 1
