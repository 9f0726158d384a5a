"""`/_dev` in a real browser."""

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.async_api import Page, expect
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from tests.integration.browser.test_docs import Traffic
from tests.unit.core.dev.sample import SECRET, Shop, builder

Serve = Callable[[ASGIApp], str]

HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e"
_log = get_logger("hostile")


def shop(*plugins: PluginAbstract[Any]) -> Shop:
    app = builder(*plugins).build()

    @app.get_asgi_app().get("/say/{text:path}")
    async def say(text: str) -> str:
        with app.telemetry_slot.current.span(f"say {text}", attributes={"what": text, "token": SECRET}):
            _log.warning(text, **{text: text, "password": SECRET})
        raise ValueError(text)

    return app


def ask(url: str) -> None:
    request = Request(url, headers={"user-agent": HOSTILE.encode("ascii", "ignore").decode()})  # noqa: S310 - loopback
    try:
        urlopen(request).close()  # noqa: S310 - loopback
    except HTTPError as error:
        error.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_request_is_shown_with_waterfall_and_log_lines_and_nothing_leaves_the_machine(
    page: Page, serve_whole: Serve, scheme: Any
) -> None:
    traffic = Traffic(page)
    base = serve_whole(shop(OpenTelemetryPlugin(OpenTelemetryConfig(exporter="none"), environ={})))
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": 1200 if scheme == "light" else 390, "height": 800})

    await page.goto(f"{base}/_dev")
    await expect(page.get_by_text("No request yet.")).to_be_visible()
    ask(f"{base}/api/v1/orders/77")
    await page.get_by_role("link", name="/api/v1/orders/77").click()

    await expect(page.locator("button.span").first).to_contain_text("GET /api/v1/orders/{order_id}")
    await page.locator("button.span").first.click()
    await expect(page.locator(".span-facts")).to_contain_text("http.response.status_code")
    await expect(page.get_by_role("region", name="Log lines")).to_contain_text("order looked up")
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert traffic.hosts() == {"127.0.0.1"}
    assert traffic.complaints == []


async def test_what_clients_send_never_becomes_markup(page: Page, serve_whole: Serve) -> None:
    traffic = Traffic(page)
    base = serve_whole(shop(OpenTelemetryPlugin(OpenTelemetryConfig(exporter="none"), environ={})))
    text = "".join(f"%{octet:02x}" for octet in HOSTILE.encode())
    ask(f"{base}/say/{text}?{text}={text}")

    await page.goto(f"{base}/_dev#/requests/1")
    await expect(page.get_by_role("region", name="Log lines")).to_contain_text("<script>document.title=2</script>")
    for span in await page.locator("button.span").all():
        await span.click()

    shown = await page.inner_text("main")
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    assert SECRET not in shown
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == "shop · development"
    assert traffic.complaints == []


async def test_without_telemetry_it_says_how_to_get_waterfalls_and_shows_everything_else(
    page: Page, serve: Serve
) -> None:
    traffic = Traffic(page)
    app = shop()
    app.get_status_service().add_check("payments", _answers)
    base = serve(app)
    ask(f"{base}/api/v1/orders/77")

    await page.goto(f"{base}/_dev#/requests/1")
    await expect(page.locator("button.span")).to_have_count(1)
    await expect(page.get_by_text("pip install 'fastapi-factory-utilities[otel]'")).to_be_visible()
    await page.get_by_role("link", name="Health").click()
    await expect(page.locator("article")).to_contain_text("check:payments")
    await page.get_by_role("link", name="Configuration").click()
    await page.get_by_role("searchbox").fill("payments.")
    await expect(page.locator("tr")).to_have_text(
        [
            "payments.api_key***default",
            "payments.urlhttps://payer:***@payments.example/v1default",
            "payments.password***default",
        ]
    )
    await page.get_by_role("link", name="Routes").click()
    await page.get_by_role("searchbox").fill("orders:write")
    await expect(page.locator("article")).to_have_count(1)
    await expect(page.locator("article")).to_contain_text("OAuth2PasswordBearer orders:write")
    assert traffic.complaints == []


async def _answers() -> None:
    """Answer."""
