"""The pages of the documentation, and the blocks of code in them.

What a block is, is said by its language:

- `python`: run; the blocks of a page share one namespace. With a path in its first line (`# my_service/app.py`), or as
  `title="my_service/app.py"` beside the language, it is a file of the newcomer's folder.
- `yaml`, `toml`: a file likewise; without a path a part of `application.yaml`, which is validated as such.
- `console`, `bash`: lines after `$ ` are run in that folder; what follows them is what they print.
- `json`, `text`, `log`: what the block before printed, or what the running service logged since.

Times, ids, ports and durations are compared as such; `...` stands for anything. A block that cannot be run follows
`<!-- skip: next "reason" -->`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sybil import Document, Example, Region
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer

__all__ = ["DOCS", "ROOT", "Block", "all_pages", "markers", "parse"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_INFO = re.compile(r"(?P<info>[^\n`]*)\n", re.MULTILINE)
_TITLE = re.compile(r"""title=["']([^"']+)["']""")
_PATH_COMMENT = re.compile(r"\A#\s*([\w./-]+\.(?:py|ya?ml|toml|env))\s*\n")


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        page: The page's name.
        line: Where the code begins in it, from 1.
        language: What it says of itself.
        text: The code.
        path: The file that it is, if it is one.
    """

    page: str
    line: int
    language: str
    text: str
    path: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def all_pages() -> list[Path]:
    """Every page a person reads; the reference is made from docstrings and has no blocks of its own."""
    return [ROOT / "README.md", *sorted(page for page in DOCS.glob("*.md"))]


def parse(page: Path, run: Callable[[Block], None]) -> Document:
    """Read a page; evaluating its examples in order runs its blocks."""

    def evaluate(example: Example) -> None:
        run(_block(page, example))

    def fences(document: Document) -> Iterable[Region]:
        for region in RawFencedCodeBlockLexer(_INFO)(document):
            region.parsed = region.lexemes["source"]
            region.evaluator = evaluate
            yield region

    return Document.parse(str(page), fences, SkipParser())


def markers(page: Path) -> list[str]:
    """The arguments of every marker that keeps a block from being run."""
    document = Document(page.read_text(encoding="utf-8"), str(page))
    return [region.lexemes["arguments"] for region in DirectiveInHTMLCommentLexer("skip")(document)]


def _block(page: Path, example: Example) -> Block:
    info: str = example.region.lexemes["info"].strip()
    text = str(example.parsed)
    language = info.partition(" ")[0]
    path = title.group(1) if (title := _TITLE.search(info)) else None
    if path is None and language in {"python", "yaml", "toml"} and (comment := _PATH_COMMENT.match(text)):
        path = comment.group(1)
    return Block(page.name, example.line + 1, language, text, path)
