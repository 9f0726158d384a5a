"""Hostile tasks: messages that no sender of ours would write, and entries that are no message at all."""

import json
from typing import Any, Final

from hypothesis import strategies as st

from tests.integration.fuzz.documents import DEEP, documents, json_values

__all__ = ["KNOWN", "KNOWN_RECORDS", "payload", "payloads", "records"]


def payload(**more: Any) -> bytes:
    """A message of the task `add`, but for what is given."""
    message: dict[str, Any] = {
        "task_id": "hostile",
        "task_name": "add",
        "labels": {},
        "labels_types": None,
        "args": [],
        "kwargs": {},
    }
    return json.dumps({**message, "kwargs": {"number": 1}, **more}).encode()


_DEEP: Final = "[" * DEEP
KNOWN: Final = [
    payload(labels={"log_context": _DEEP}),
    payload(task_name="\ud800"),
    payload(task_id="\ud800", task_name="nobody"),
    payload(labels={"a": "\ud800"}, kwargs={}),
    payload(labels={"a": "/w=="}, labels_types={"a": 6}, kwargs={}),
    payload(labels={"attempt": 10**400}, task_name="nobody"),
    payload(labels={"log_context": '{"event":1,"level":[],"exc_info":true,"task":2}'}),
    payload(labels={"a": "DEEP"}).replace(b'"DEEP"', b"[" * 900 + b"]" * 900),
    payload(kwargs={"more": "DEEP"}).replace(b'"DEEP"', b"[" * 900 + b"]" * 900),
    payload(kwargs={"number": 10**4000}),
]

_labels = st.dictionaries(
    st.sampled_from(["attempt", "log_context", "due_at", "schedule_id", "traceparent", "tracestate", "b3", "delay"])
    | st.text(max_size=5),
    st.one_of(
        json_values,
        json_values.map(json.dumps),
        st.sampled_from(["999999999999", "1e400", "inf", "-1", "9999-12-31T23:59:59+23:59", "0001-01-01", ""]),
        st.sampled_from([900, DEEP]).map(lambda levels: "[" * levels),
        documents().map(lambda body: body.decode("latin-1")),
    ),
    max_size=4,
)
_messages = st.fixed_dictionaries(
    {
        "task_id": st.text(max_size=10),
        "task_name": st.sampled_from(["add", "nobody", "", "add\x00", "\ud800"]) | st.text(max_size=10),
        "labels": _labels,
        "args": st.lists(json_values, max_size=3),
        "kwargs": st.dictionaries(st.sampled_from(["number", "words", "more", "nothing"]), json_values, max_size=4),
    },
    optional={
        "labels_types": st.dictionaries(st.sampled_from(["attempt", "log_context", "due_at"]), st.integers(0, 7))
    },
)

payloads: st.SearchStrategy[bytes] = documents(_messages) | _messages.map(lambda message: json.dumps(message).encode())
"""What a worker is given as a message."""

_schedules = st.fixed_dictionaries(
    {
        "task_name": st.sampled_from(["add", "nobody", "\ud800"]),
        "labels": st.dictionaries(
            st.sampled_from(["schedule_created_at", "a"]), st.text(max_size=8) | st.just("2020-01-01") | json_values
        ),
        "args": st.just([]),
        "kwargs": st.dictionaries(st.sampled_from(["number", "x"]), json_values, max_size=2),
    },
    optional={
        "cron": st.sampled_from(["* * * * *", "0 0 30 2 *", "a", "*/0 * * * *", "99 * * * *", "* * * * * *", ""]),
        "cron_offset": st.sampled_from(["UTC", "Nowhere/Atlantis", "../etc/passwd", "PT1H", "", "\x00"]),
        # None that fires all the time: the queue would be what is tried then.
        "interval": st.sampled_from([0, -1, 3600, 10**30, "PT0S", "P99999999D"]),
        "time": st.sampled_from(["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2020-01-01", 0, 1e18]),
        "schedule_id": st.text(max_size=5),
    },
)

records: st.SearchStrategy[bytes] = documents(_schedules) | _schedules.map(lambda record: json.dumps(record).encode())
"""What the store of schedules may hold."""


def _record(**more: Any) -> bytes:
    return json.dumps({"task_name": "add", "labels": {}, "args": [], "kwargs": {"number": 1}, **more}).encode()


KNOWN_RECORDS: Final = [
    _record(interval=3600, labels={"schedule_created_at": "yesterday"}),
    _record(interval=3600, labels={"schedule_created_at": "2020-01-01"}),
    _record(cron="0 0 30 2 *"),
    _record(cron="* * * * *", cron_offset="Nowhere/Atlantis"),
    _record(time="9999-12-31T23:59:59-23:59"),
    _record(time="0001-01-01T00:00:00+23:59"),
    _record(interval=10**30),
    _record(interval=2 * 10**11),
    _record(interval=5 * 10**11),
]
