"""Headers in and out: W3C, B3, baggage; what is invalid begins a new trace."""

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.identity import Parent
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.propagation import Incoming, Propagation
from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import make_traced

_T, _S = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_GOOD = f"00-{_T}-{_S}-01"


def _read(headers: dict[str, str], *formats: str) -> Incoming:
    """Read headers both ways, which must agree."""
    propagation = Propagation(formats) if formats else Propagation()
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    found = propagation.from_asgi([(b"host", b"x"), *pairs])
    assert propagation.extract(headers) == found
    assert propagation.extract({name: value.encode("latin-1") for name, value in headers.items()}) == found
    return found


def _parent(incoming: Incoming) -> Parent:
    assert incoming.parent is not None
    return incoming.parent


@pytest.mark.parametrize("header", [
    _GOOD, _GOOD.replace("-01", "-00"), f" {_GOOD} ", f"01-{_T}-{_S}-01-more", f"cc-{_T}-{_S}-09",
    "", "00", f"00-{_T}-{_S}", _GOOD.upper(), f"ff-{_T}-{_S}-01", f"00-{_T}-{_S}-01-more", f"00-{'0' * 32}-{_S}-01",
    f"00-{_T}-{'0' * 16}-01", f"00-{_T[:-1]}g-{_S}-01", f"00-{_T[:-2]}_1-{_S}-01", f"00-{_T}-{_S}-1", f"{_GOOD}-",
    "é" * 55,
])  # fmt: skip
def test_traceparent_is_read_as_opentelemetry_reads_it(header: str) -> None:
    theirs = trace.get_current_span(TraceContextTextMapPropagator().extract({"traceparent": header.strip()}, Context()))
    parent = _read({"traceparent": header}).parent
    expected = theirs.get_span_context()
    assert (parent.context() if parent else trace.INVALID_SPAN.get_span_context()) == expected


@pytest.mark.parametrize(("header", "kept"), [
    ("a=1,b=2", "a=1,b=2"),
    (" a=1 ,, b=2\t", "a=1,b=2"),
    ("t@v=x y", "t@v=x y"),
    ("a=1,a=2", ""),
    ("A=1", ""),
    ("a=1,b", ""),
    ("a=é", ""),
    (",".join(f"k{n}=v" for n in range(33)), ""),
])  # fmt: skip
def test_tracestate_is_passed_on_or_dropped_as_a_whole(header: str, kept: str) -> None:
    parent = _parent(_read({"traceparent": _GOOD, "tracestate": header}))
    assert parent.state == kept
    assert parent.sampled


def test_two_tracestates_are_one_list_and_two_traceparents_are_none() -> None:
    pairs = [(b"traceparent", _GOOD.encode()), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    assert _parent(Propagation().from_asgi(pairs)).state == "a=1,b=2"
    assert Propagation().from_asgi([*pairs, pairs[0]]).parent is None


@pytest.mark.parametrize(("headers", "ids", "sampled"), [
    ({"b3": f"{_T}-{_S}-1"}, (_T, _S), True),
    ({"b3": f"{_T}-{_S}-0-{_S}"}, (_T, _S), False),
    ({"b3": f"{_T}-{_S}"}, (_T, _S), True),
    ({"b3": f"{_S.upper()}-{_S}-d"}, ("0" * 16 + _S, _S), True),
    ({"b3": "0"}, ("0" * 32, "0" * 16), False),
    ({"X-B3-TraceId": _T, "X-B3-SpanId": _S, "X-B3-Sampled": "1"}, (_T, _S), True),
    ({"X-B3-TraceId": _T, "X-B3-SpanId": _S, "X-B3-Sampled": "0"}, (_T, _S), False),
    ({"X-B3-TraceId": _T, "X-B3-SpanId": _S, "X-B3-Sampled": "0", "X-B3-Flags": "1"}, (_T, _S), True),
    ({"X-B3-Sampled": "0"}, ("0" * 32, "0" * 16), False),
    ({"X-B3-Sampled": "1"}, None, None),
    ({"X-B3-TraceId": _T, "X-B3-SpanId": "x"}, None, None),
    ({"b3": f"{'0' * 32}-{_S}-1"}, None, None),
    ({"b3": "nonsense", "traceparent": _GOOD}, (_T, _S), True),
    ({"b3": f"{_T[::-1]}-{_S}-0", "traceparent": _GOOD}, (_T, _S), True),
    ({"b3": f"{_T}-{_S}-0", "traceparent": "nonsense"}, (_T, _S), False),
])  # fmt: skip
def test_b3_is_read_in_one_header_or_in_several_and_after_w3c(
    headers: dict[str, str], ids: tuple[str, str] | None, sampled: bool | None
) -> None:
    incoming = _read(headers)
    if ids is None:
        assert incoming.parent is None
    else:
        parent = _parent(incoming)
        assert (f"{parent.trace_id:032x}", f"{parent.span_id:016x}", parent.sampled) == (*ids, sampled)


def test_baggage_goes_both_ways_with_opentelemetrys_own() -> None:
    entries = {"tenant": "a b,c;d=e", "ü".encode().hex(): "ü%", "user": "42"}
    context = Context()
    for key, value in entries.items():
        context = baggage.set_baggage(key, value, context)
    ours: dict[str, str] = {}
    Propagation().inject(ours, None, trace.set_span_in_context(trace.INVALID_SPAN, context))
    assert baggage.get_all(W3CBaggagePropagator().extract(ours, Context())) == entries
    theirs: dict[str, str] = {}
    W3CBaggagePropagator().inject(theirs, context)
    assert _read({"baggage": theirs["baggage"].replace("+", "%20")}).entries == entries


def test_baggage_is_bounded_and_its_faults_are_dropped() -> None:
    assert _read({"baggage": "a=1;p=q, b = 2 ,=3,c,(=1, d=\x01"}).entries == {"a": "1", "b": "2"}
    assert _read({"baggage": "a=" + "x" * 8192}).entries == {}
    assert len(_read({"baggage": ",".join(f"k{n}=v" for n in range(100))}).entries or ()) == 64
    context = Context()
    for number in range(100):
        context = baggage.set_baggage(f"k{number}", "v" * 200, context)
    carrier: dict[str, str] = {}
    Propagation().inject(carrier, None, context)
    assert 0 < len(carrier["baggage"]) <= 8192


def test_only_the_chosen_formats_are_read_and_written() -> None:
    headers = {"b3": f"{_T}-{_S}-1", "baggage": "a=1"}
    assert _read(headers, "tracecontext") == (None, None)
    written: dict[str, str] = {}
    with make_traced(formats=("b3multi",)).span("x") as span:
        Propagation(["b3multi"]).inject(written, span, Context())
    assert written == {"X-B3-TraceId": span.ids[0], "X-B3-SpanId": span.ids[1], "X-B3-Sampled": "1"}
    assert _parent(_read(written, "b3multi")).span_id == span.span_id
    assert not Propagation([]).extract(written).parent
