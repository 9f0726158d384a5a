"""Everything that the documentation shows is so."""

from pathlib import Path
from unittest import SkipTest

import pytest

from fastapi_factory_utilities.testing import mongo_server, postgres_server
from tests.docs.claims import broken_links, import_paths, resolves
from tests.docs.newcomer import at_work
from tests.docs.pages import all_pages, markers, parse

PAGES = [pytest.param(page, id=page.name) for page in all_pages()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if "postgres_server" in text:
        postgres_server()  # if there is none, this test is not run, and says so
    with at_work(tmp_path, lambda: mongo_server(private=True), text) as newcomer:
        for example in parse(page, newcomer.run).examples():
            try:
                example.evaluate()
            except SkipTest:
                continue
        newcomer.finish()


def test_hardly_any_block_is_exempt_and_each_says_why() -> None:
    exempt = [(page.name, marker) for page in all_pages() for marker in markers(page)]
    assert len(exempt) <= 3, exempt
    for page, marker in exempt:
        action, _, reason = marker.partition(" ")
        assert action == "next", f"{page}: one block at a time: skip: next"
        assert len(reason.strip('" ')) > 10, f"{page}: a block that is not run needs its reason"


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_import_path_that_is_mentioned_exists(page: Path) -> None:
    assert [path for path in import_paths(page) if not resolves(path)] == []
