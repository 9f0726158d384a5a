"""The docs pages in a real browser."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from playwright.async_api import ConsoleMessage, Page, Request, expect
from pydantic import BaseModel
from starlette.types import ASGIApp

from fastapi_factory_utilities.core.api import create_fastapi

Serve = Callable[[ASGIApp], str]


class Book(BaseModel):
    title: str


def library(*, root_path: str = "") -> FastAPI:
    app = create_fastapi(title="Library </title>", version="1.2.3", root_path=root_path)

    @app.post("/books")
    async def add_a_book(book: Book) -> Book:
        return book

    return app


class Traffic:
    """What a page asked for, and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.complaints: list[str] = []
        self.refused: list[str] = []
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _failed(self, request: Request) -> None:
        # Not sent: the page's own content security policy forbids it.
        if request.failure == "csp":
            self.urls.remove(request.url)
            self.refused.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def hosts(self) -> set[str | None]:
        return {urlsplit(url).hostname for url in self.urls if urlsplit(url).scheme not in ("data", "blob")}


@pytest.mark.parametrize("root_path", ["", "/behind/a/proxy"])
async def test_swagger_ui_renders_and_calls_the_api_and_no_request_leaves_the_machine(
    page: Page, serve: Serve, root_path: str
) -> None:
    traffic = Traffic(page)
    base = serve(library(root_path=root_path)) + root_path

    await page.goto(f"{base}/docs")
    await expect(page.get_by_role("heading", name="Library")).to_contain_text("Library")
    await page.get_by_text("Add A Book").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")

    assert traffic.hosts() == {"127.0.0.1"}
    assert any(url == f"{base}/openapi.json" for url in traffic.urls)
    assert any(url == f"{base}/books" for url in traffic.urls)
    assert traffic.complaints == []


async def test_the_docs_show_errors_as_problems(page: Page, serve: Serve) -> None:
    await page.goto(serve(library()) + "/docs")

    await page.get_by_text("Add A Book").click()

    await expect(page.locator("tr.response", has_text="422")).to_contain_text("application/problem+json")


async def test_redoc_renders_and_no_request_leaves_the_machine(page: Page, serve: Serve) -> None:
    traffic = Traffic(page)

    await page.goto(serve(library()) + "/redoc")
    await expect(page.get_by_role("heading", name="Library")).to_contain_text("Library")
    await expect(page.get_by_text("Add A Book").first).to_be_visible()

    assert traffic.hosts() == {"127.0.0.1"}
    # The badge in ReDoc's corner comes from its makers' server, for which nobody asked.
    assert {urlsplit(url).hostname for url in traffic.refused} == {"cdn.redoc.ly"}
    assert [text for text in traffic.complaints if "cdn.redoc.ly" not in text] == []
