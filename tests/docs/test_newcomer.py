"""The harness finds what is wrong with a page: a test that cannot fail proves nothing."""

from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import pytest

from fastapi_factory_utilities.testing import Server
from tests.docs.claims import broken_links, check_command, resolves
from tests.docs.newcomer import Newcomer, at_work
from tests.docs.pages import Block, markers, parse
from tests.docs.shown import difference, missing_lines


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    def none() -> Server:
        raise AssertionError("nobody needs MongoDB here")

    with at_work(tmp_path, none, "") as newcomer:
        yield newcomer


def _block(language: str, text: str, path: str | None = None) -> Block:
    return Block("page.md", 1, language, text, path)


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_the_blocks_of_a_page_share_their_names_and_its_line_numbers(newcomer: Newcomer, tmp_path: Path) -> None:
    page = _page(tmp_path, "# Title\n\n```python\nx = 1\n```\n\ntext\n\n```python\nx += 1\nraise ValueError(x)\n```\n")
    first, second = parse(page, newcomer.run).examples()
    first.evaluate()
    with pytest.raises(ValueError, match="2") as raised:
        second.evaluate()
    assert raised.traceback[-1].lineno == 10  # counted from 0


def test_a_block_with_a_path_is_a_file_that_can_be_imported(newcomer: Newcomer, tmp_path: Path) -> None:
    blocks: list[Block] = []
    page = _page(tmp_path, '```python\n# some/where.py\nx = 1\n```\n```yaml title="some/application.yaml"\na: 1\n```\n')
    for example in parse(page, blocks.append).examples():
        example.evaluate()
    assert [block.path for block in blocks] == ["some/where.py", "some/application.yaml"]
    newcomer.run(blocks[0])
    newcomer.run(_block("python", "from some.where import x\nprint(x)\n"))
    newcomer.run(_block("text", "1\n"))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("console", "$ echo one\ntwo\n"),
        ("console", "$ false\n$ true\n"),
        ("console", "no command\n"),
        ("console", "$ false\n"),
        ("console", "$ kill %2\n"),
        ("python", "assert False\n"),
        ("yaml", "server: {port: eighty}\n"),
        ("yaml", "no_such_section: {}\n"),
        ("klingon", "nuqneH\n"),
        ("", "what is this?\n"),
    ],
)
def test_what_is_wrong_in_a_block_is_told(newcomer: Newcomer, language: str, text: str) -> None:
    def run() -> None:
        newcomer.run(_block(language, text))
        newcomer.finish()

    with pytest.raises(AssertionError):
        run()


def test_a_failing_command_is_right_when_its_status_is_shown(newcomer: Newcomer) -> None:
    newcomer.run(_block("console", "$ (exit 3)\n$ echo $?\n3\n"))
    newcomer.finish()


def test_configuration_that_is_called_wrong_must_be_wrong(newcomer: Newcomer) -> None:
    newcomer.run(_block("yaml", "server: {port: 80}\n", "wrong.yaml"))
    with pytest.raises(AssertionError, match="taken for good"):
        newcomer.finish()


def test_what_varies_from_run_to_run_may_differ_and_nothing_else() -> None:
    shown = '{"since":"2026-11-23T17:36:47.355202Z","duration_ms":3.2,"url":"http://localhost:8000","health":"healthy"}'
    printed = (
        '{"since":"2027-01-01T00:00:00.000001Z","duration_ms":12,"url":"http://127.0.0.1:4711","health":"healthy"}'
    )
    assert difference(shown, printed) is None
    assert difference(shown, printed.replace('"healthy"', '"degraded"'))
    assert difference('{"a": 1,\n "b": 2}', '{"a":1,"b":2}') is None
    assert difference("one ... three", "one two three") is None
    assert difference("one", "one\ntwo")
    assert difference(f"{'.' * 90} [100%]\n90 passed", f"{'.' * 40}F{'.' * 49} [100%]\n1 failed")


def test_lines_of_a_log_are_looked_for_in_order() -> None:
    assert missing_lines("one\nthree", "one\ntwo\nthree") is None
    assert missing_lines("three\none", "one\ntwo\nthree")


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "pip install 'fastapi-factory-utilities[nothing]'",
        "pip install 'fastapi_factory_utilities[mongo]'",
    ],
)
def test_a_command_that_names_what_is_not_there_is_told(command: str) -> None:
    with pytest.raises(AssertionError):
        check_command(command)


def test_links_and_import_paths_are_followed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("## A heading: here\n")
    page = _page(tmp_path, "[a](other.md#a-heading-here) [b](other.md#not-there) [c](none.md) [d](https://example.com)")
    assert list(broken_links(page)) == ["other.md#not-there", "none.md"]
    assert resolves("fastapi_factory_utilities.core.plugins.Provided")
    assert not resolves("fastapi_factory_utilities.core.plugins.Nothing")


def test_a_marker_keeps_the_next_block_from_being_run(newcomer: Newcomer, tmp_path: Path) -> None:
    page = _page(tmp_path, '<!-- skip: next "needs a printer" -->\n\n```python\nraise ValueError\n```\n')
    assert markers(page) == ['next "needs a printer"']
    marker, block = parse(page, newcomer.run).examples()
    marker.evaluate()
    with pytest.raises(SkipTest, match="needs a printer"):
        block.evaluate()
