"""People's YAML is read, with positions; what is wrong or hostile is refused where it is, without a word of it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from fastapi_factory_utilities.core.app.configuration import yaml_reader
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.tree import Branch, Leaf, to_plain
from fastapi_factory_utilities.core.app.configuration.yaml_reader import read_yaml


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML has two parsers; which one a machine has must not matter."""
    monkeypatch.setattr(yaml_reader, "_PARSER", request.param)


def _read(text: str | bytes) -> Any:
    tree, problems = read_yaml(text.encode() if isinstance(text, str) else text, "f.yaml")
    assert problems == []
    return to_plain(tree)


def _problems(text: str | bytes) -> list[ConfigProblem]:
    return read_yaml(text.encode() if isinstance(text, str) else text, "f.yaml")[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8000", 8000),
        ("-1", -1),
        ("0x1f", 31),
        ("017", 15),
        ("1_000", 1000),
        ("0b101", 5),
        ("1:30", 90),
        ("2.5", 2.5),
        ("1.0e+3", 1000.0),
        ("1e3", "1e3"),
        (".inf", float("inf")),
        ("true", True),
        ("no", False),
        ("OFF", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("2024-05-31", date(2024, 5, 31)),
        ("2024-05-31T14:30:00Z", datetime(2024, 5, 31, 14, 30, tzinfo=UTC)),
        ("'8000'", "8000"),
        ('"no"', "no"),
        ('"\\u00e9\\n"', "é\n"),
        ("0.1.0", "0.1.0"),
        ("=", "="),
        ("a b", "a b"),
        ("http://x:80/#y", "http://x:80/#y"),
        ("[1, two, ~]", [1, "two", None]),
        ("{x: {y: 1}}", {"x": {"y": 1}}),
        ("!!str 8000", "8000"),
        ("!!int '7'", 7),
        ("! 8", 8),
        ("!!binary aGVsbG8=", b"hello"),
        ("!!set {x, y}", ["x", "y"]),
        ("!!omap [x: 1, y: 2]", {"x": 1, "y": 2}),
        ("!!pairs [x: 1, x: 2]", [["x", 1], ["x", 2]]),
        ("|\n  one\n  two\n", "one\ntwo\n"),
        (">-\n  one\n  two\n", "one two"),
    ],
)
def test_every_type_of_yaml_1_1_is_read(text: str, value: object) -> None:
    assert _read(f"a: {text}\n") == {"a": value}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "~\n", "---\n", "\n\n"])
def test_a_file_without_content_is_an_empty_configuration(text: str) -> None:
    assert _read(text) == {}


def test_every_value_and_key_knows_its_line_and_column() -> None:
    tree, _ = read_yaml(b"# first\nserver:\n  port: 8000\nlogging:\n  - name: root\n", "application.yaml")

    server = tree.children["server"]
    assert isinstance(server, Branch)
    port = server.children["port"]
    assert isinstance(port, Leaf)
    assert str(port.origin) == "application.yaml:3:9"
    assert [str(origin) for origin in server.keys["port"]] == ["application.yaml:3:3"]
    assert [str(origin) for origin in tree.keys["logging"]] == ["application.yaml:4:1"]


def test_columns_count_characters_and_not_bytes() -> None:
    tree, _ = read_yaml("é: {ü: 1}\n".encode(), "f.yaml")

    inner = tree.children["é"]
    assert isinstance(inner, Branch)
    assert str(inner.children["ü"].origin) == "f.yaml:1:8"


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert _read(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n") == {"a": 1, "b": {"c": 2}}


def test_a_few_aliases_and_merges_are_fine() -> None:
    text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 3}\nx:\n  <<: [*base, *more]\n  a: 9\ny: *base\n"

    assert _read(text) == {
        "base": {"a": 1, "b": 2},
        "more": {"b": 3, "c": 3},
        "x": {"a": 9, "b": 2, "c": 3},
        "y": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1", "given twice"),
        ("s:\n  a: 1\n  a: 3\n", "3:3", "given twice"),
        ("a:\n\tb: 1\n", "2:1", "a tab"),
        ("a:\n  b: 1\n \tc: 2\n", "3:2", "a tab"),
        ("a:\t1\n", "1:3", "a tab"),
        ("a: 1\t\n", "1:5", "a tab"),
        ("a: x\ty\n", "1:5", "a tab"),
        ("a: 1\n---\nb: 1\n", "2:1", "second document"),
        ("- a\n", "1:1", "not a mapping"),
        ("just words\n", "1:1", "not a mapping"),
        ("a:\n  1: x\n", "2:3", "reads as a whole number"),
        ("on: x\n", "1:1", "reads as a true or false"),
        ("~: x\n", "1:1", "reads as a null"),
        ("? [a]\n: 1\n", "1:3", "not text"),
        ("a: {{x}}\n", "1:5", "not text"),
        ("a: !!python/object/apply:os.system [ls]\n", "1:4", "a tag"),
        ("a: !!python/name:os.system\n", "1:4", "a tag"),
        ("a: !env HOME\n", "1:4", "a tag"),
        ("a: !!set [x]\n", "1:4", "a tag"),
        ("e:\n  <<: 3\n", "2:7", "needs a mapping"),
        ("d: &d {a: 1}\ne:\n  <<: *d\n  <<: *d\n", "4:3", "merges twice"),
        ("a: &a [*a]\n", "1:8", "that it is part of"),
        ("a: *x\n", "1:4", "without its anchor"),
        ("a: 'x\nb: 1\n", "1:4", "never closed"),
        ('a: "x\nb: 1\n', "1:4", "never closed"),
        ("a: [1, 2\nb: 3\n", "1:4", "never closed"),
        ("a: {x: 1\nb: 3\n", "1:4", "never closed"),
        ("a: {\n", "2:1", "a value is missing"),
        ("a: b: c\n", "1:5", "where no key can be"),
        ("a:\n  b: 1\n c: 2\n", "3:2", "indentation"),
        ("a: 1\nfoo\nb: 2\n", "3:1", "neither a key"),
        ('a: "\\q"\n', "1:4", "escape"),
        ("a: @foo\n", "1:4", "no value begins with"),
        ("a: `foo\n", "1:4", "no value begins with"),
        ("a: *\n", "1:5", "alias"),
        ("a: &\n", "1:5", "anchor"),
        ("a: 2024-99-99\n", "1:4", "looks like a date"),
        ("a: !!int foo\n", "1:4", "looks like a whole number"),
        ("a: !!bool foo\n", "1:4", "looks like a true or false"),
        (f"a: {'9' * 101}\n", "1:4", "more than 100 characters"),
        ("%TAG ! tag:example.org,2000:\n---\na: 1\n", "1:1", "begins with %"),
        ("a: 1\nb: x\x00y\n", "2:5", "control character"),
        (b"a: 1\nb: caf\xe9\n", "2:7", "not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1", "not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str | bytes, position: str, message: str) -> None:
    problems = _problems(text)

    assert [str(problem.origin) for problem in problems] == [f"f.yaml:{position}"]
    assert message in problems[0].message


@pytest.mark.parametrize(
    "text", ['a: "x\ty"\n', "a: 1 #\ta comment\n#\tb\n", "a: |\n  x\ty\n  \tz\nb: 1\n", "a: 'x' #\t'\nb: 1\n"]
)
def test_tabs_inside_of_texts_and_comments_are_fine(text: str) -> None:
    assert "a" in _read(text)


def test_several_mistakes_in_one_file_are_told_together() -> None:
    problems = _problems("a: 1\na: 2\nb: !env X\nc: 2024-13-13\n3: x\n")

    assert [problem.origin.line for problem in problems if problem.origin] == [2, 3, 4, 5]


def test_the_path_of_a_mistake_is_told() -> None:
    problems = _problems("a:\n  - x: 1\n  - x: 1\n    y: !env Z\n")

    assert [problem.path for problem in problems] == ["a[1].y"]


def test_a_file_with_countless_mistakes_is_given_up() -> None:
    assert len(_problems("k: 1\n" * 5000)) == 101


_LAUGHS = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{name}: &{name} [{', '.join(f'*{below}' for _ in range(9))}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(_LAUGHS, "aliases repeat", id="laughs"),
        pytest.param("a: &a " + "x" * 50_000 + "\nb: [" + "*a, " * 9000 + "]\n", "aliases repeat", id="quadratic"),
        pytest.param("a: " + "[" * 1_000_000, "levels", id="brackets"),
        pytest.param("- " * 500_000, "levels", id="dashes"),
        pytest.param(
            "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 999)), "levels", id="deep-aliases"
        ),
        pytest.param(
            "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i}\n  <<: *a{i - 1}\n  k{i}: 1\n" for i in range(1, 999)),
            "levels",
            id="deep-merges",
        ),
        pytest.param("a: " + "{" * 1_000_000, "not text", id="braces"),
        pytest.param("? " * 500_000, "not text", id="questions"),
        pytest.param("a: [" + "1," * 500_000 + "]", "keys and values", id="long-list"),
        pytest.param("".join(f"k{number}: 1\n" for number in range(80_000)), "keys and values", id="many-keys"),
        pytest.param("a: 1" + ":1" * 500_000, "characters", id="sexagesimal"),
        pytest.param(
            "".join(f"%TAG !a{number}! x\n" for number in range(60_000)) + "---\na: 1\n",
            "begins with %",
            id="directives",
        ),
        pytest.param("\t" * 1_000_000, "a tab", id="tabs"),
    ],
)
def test_hostile_yaml_is_refused(text: str, message: str) -> None:
    tree, problems = read_yaml(text.encode(), "f.yaml")

    assert message in problems[-1].message
    assert tree.children.keys() <= {"a"}


def test_no_problem_repeats_the_file() -> None:
    canary = "kanarienvogel"
    texts = [
        f"a: 1\na: {canary}\n",
        f"a: !{canary} x\n",
        f"a: !!int {canary}\n",
        f"a: *{canary}\n",
        f"a: '{canary}\n",
        f'a: "{canary}\\q"\n',
        f"a: [{canary}\n",
        f"a: {canary}: b\n",
        f"a: @{canary}\n",
        f"a:\n\t{canary}: 1\n",
        f"{canary}\n",
        f"a: &{canary} x\nb: *c\n",
        f"a: x{canary}\x01\n",
        f"a: !<tag:{canary}> x\n",
    ]

    for text in texts:
        problems = _problems(text)
        assert problems
        assert canary not in repr(problems), text
