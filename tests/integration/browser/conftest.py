"""A headless Chromium, and a server for it to look at."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import which

import pytest
from playwright.async_api import Page, async_playwright
from starlette.types import ASGIApp

from fastapi_factory_utilities.testing.servers.errors import BackendNotAvailable
from tests.integration.in_thread import serving

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever is not on this machine does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Find a Chromium on this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := which(name):
            return Path(found)
    raise BackendNotAvailable("Chromium", "install the package chromium")


@pytest.fixture
async def page(chromium: Path) -> AsyncIterator[Page]:
    """Open an empty page of a new, private browser profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        context = await browser.new_context(viewport={"width": 1200, "height": 1400})
        yield await context.new_page()
        await browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """Serve applications on loopback until the test ends; each call returns a base URL."""
    with ExitStack() as servers:
        yield lambda app: servers.enter_context(serving(app))


@pytest.fixture
def serve_whole() -> Iterator[Callable[[ASGIApp], str]]:
    """Serve applications likewise, with their lifespan: their plugins run."""
    with ExitStack() as servers:
        yield lambda app: servers.enter_context(serving(app, lifespan="on"))
