"""Erlang's terms, as they go over the line."""

import socket
import threading

import pytest

from fastapi_factory_utilities.testing import ServerError
from fastapi_factory_utilities.testing.servers.erlang import Atom, ErlangNode, Term, decode, encode

TERMS: list[Term] = [
    Atom("ok"),
    Atom(""),
    b"",
    b"bytes \xff",
    0,
    -1,
    2**31 - 1,
    (),
    (Atom("ok"), (1, b"two"), [b"three"]),
    [],
    [Atom("a"), [], [1]],
]


@pytest.mark.parametrize("term", TERMS, ids=repr)
def test_a_term_is_read_as_it_was_written_and_nothing_after_it(term: Term) -> None:
    assert decode(encode(term) + b"rest") == (term, b"rest")


def test_other_spellings_of_names_and_small_numbers_are_read() -> None:
    assert decode(b"d\x00\x02ok") == (Atom("ok"), b"")
    assert decode(b"a\x07") == (7, b"")
    assert decode(b"k\x00\x02\x01\x02") == ([1, 2], b"")


def test_what_has_no_python_form_is_none() -> None:
    assert decode(b"F" + bytes(8)) == (None, b"")


def test_what_has_no_erlang_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no Erlang term for a float"):
        encode(1.5)  # type: ignore[arg-type]  # the mistake


def test_a_node_that_is_not_there_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        node = ErlangNode("127.0.0.1", closed.getsockname()[1], "cookie")
        with pytest.raises(ServerError, match="does not answer"):
            node.call("erlang", "node")


def test_a_node_that_hangs_up_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close()).start()  # noqa: PLW0108 - accepted there
        with pytest.raises(ServerError, match="does not answer"):
            ErlangNode("127.0.0.1", server.getsockname()[1], "cookie").call("erlang", "node")
