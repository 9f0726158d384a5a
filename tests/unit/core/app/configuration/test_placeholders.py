"""Placeholders take any characters, and values are never read as anything but values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_factory_utilities.core.app.configuration.placeholders import PlaceholderError, parse, render


def _expand(text: str, **variables: str) -> str:
    missing: set[str] = set()
    result = render(parse(text), variables.get, missing)
    assert not missing
    return result


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("${A:x}", "one"),
        ("${NONE:x}", "x"),
        ("${NONE:}", ""),
        ("${EMPTY:x}", ""),
        ("<${A}|${B}|${NONE:z}>", "<one|two|z>"),
        ("${NONE:mongodb://user:p@ss@host:27017/db?a=b&c=d#e}", "mongodb://user:p@ss@host:27017/db?a=b&c=d#e"),
        ("${NONE:a:b::c}", "a:b::c"),
        ("${NONE:$5 and 100%}", "$5 and 100%"),
        ('${NONE:{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        (r"${NONE:a\}b}", "a}b"),
        (r"${NONE:a\{b}", "a{b"),
        (r"${NONE:C:\temp\d+}", r"C:\temp\d+"),
        (r"${NONE:ends with \\}", "ends with \\"),
        (r"${NONE:\\\}}", r"\}"),
        ("${NONE:${A}}", "one"),
        ("${NONE:<${ALSO:${B:z}}>}", "<two>"),
        ("${NONE: spaces }", " spaces "),
        ("${NONE:two\nlines}", "two\nlines"),
        ("$${A}", "${A}"),
        ("$$${A}", "$one"),
        ("$$$${A}", "$${A}"),
        ("${NONE:$${A}}", "${A}"),
        ("${NONE:$}", "$"),
        ("$A and $", "$A and $"),
        ("{A} }{", "{A} }{"),
        (r"\${A}", r"\one"),
        ("${_a1}", "three"),
    ],
)
def test_a_text_is_expanded(text: str, expanded: str) -> None:
    assert _expand(text, A="one", B="two", EMPTY="", _a1="three") == expanded


@pytest.mark.parametrize(
    "text", ["${", "${}", "${A", "${A:", "${A:x", "${1A}", "${A-B}", "${A B}", "${ A}", "${:x}", "${A:{}", "${A:${B}"]
)
def test_a_placeholder_without_name_or_end_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(PlaceholderError) as raised:
        parse(f"{text}|geheim")

    assert "geheim" not in str(raised.value)


def test_all_variables_that_are_not_set_are_told() -> None:
    missing: set[str] = set()

    render(parse("${A} ${B} ${C:${D}} ${SET:${E}}"), {"SET": "x"}.get, missing)

    assert missing == {"A", "B", "D"}


def test_placeholders_inside_of_one_another_without_end_are_refused() -> None:
    with pytest.raises(PlaceholderError, match="more than 16"):
        parse("${A:" * 10_000)


@given(st.text())
def test_the_value_of_a_variable_is_taken_as_it_is(value: str) -> None:
    assert _expand("<${A}>", A=value) == f"<{value}>"


@given(st.text())
def test_every_text_can_be_a_default(default: str) -> None:
    written = "".join(_written(part) for part in _pieces(default))

    assert _expand(f"<${{NONE:{written}}}>") == f"<{default}>"


@given(st.text(alphabet="$\\{}a:") | st.text())
def test_every_text_can_be_written_outside(text: str) -> None:
    written = ""
    dollars = 0
    for character in text:
        if character == "$":
            dollars += 1
            continue
        written += "$" * (dollars * 2 if character == "{" else dollars) + character
        dollars = 0

    assert _expand(written + "$" * dollars) == text


@given(st.text(alphabet="${}\\:AB\n"))
def test_no_text_ends_in_anything_but_a_result_or_a_refusal(text: str) -> None:
    try:
        parsed = parse(text)
    except PlaceholderError:
        return
    render(parsed, {"A": "one"}.get, set())


def _pieces(text: str) -> list[tuple[str, str]]:
    """Runs of dollar signs and backslashes, each with the character after it."""
    pieces: list[tuple[str, str]] = []
    run = ""
    for character in text:
        if run and (character == run[0]):
            run += character
        elif character in "$\\":
            if run:
                pieces.append((run, ""))
            run = character
        else:
            pieces.append((run, character))
            run = ""
    if run:
        pieces.append((run, "end"))
    return pieces


def _written(piece: tuple[str, str]) -> str:
    """Write a run so that it means itself in a default."""
    run, after = piece
    if after == "end":  # the closing brace follows
        return run * 2 if run[0] == "\\" else run
    if after not in ("{", "}"):
        return run + after
    if run.startswith("$") or not run:
        return f"{run}\\{after}"
    return f"{run * 2}\\{after}"
