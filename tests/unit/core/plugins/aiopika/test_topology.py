import pytest

from fastapi_factory_utilities.core.plugins.aiopika import Binding, Exchange, Queue
from fastapi_factory_utilities.core.plugins.aiopika.declaring import in_order

BOOKS, FILMS = Exchange("books", "topic"), Exchange("films", "fanout")


def test_a_queue_says_its_arguments_as_the_broker_knows_them() -> None:
    assert Queue("q").all_arguments() == {}
    queue = Queue(
        "q",
        queue_type="quorum",
        dead_letter_exchange="dead",
        dead_letter_routing_key="key",
        message_ttl_seconds=1.5,
        expires_seconds=60,
        max_length=5,
        overflow="reject-publish",
        single_active_consumer=True,
        arguments={"x-delivery-limit": 3, "x-max-length": 9},
    )
    assert queue.all_arguments() == {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "dead",
        "x-dead-letter-routing-key": "key",
        "x-message-ttl": 1500,
        "x-expires": 60000,
        "x-max-length": 9,
        "x-overflow": "reject-publish",
        "x-single-active-consumer": True,
        "x-delivery-limit": 3,
    }


def test_a_queue_may_be_bound_more_than_once() -> None:
    by_headers = Binding(FILMS, arguments={"x-match": "any", "kind": "film"})
    queue = Queue("q", BOOKS, ["a.*", "b.*"], bindings=[by_headers])
    assert queue.all_bindings() == [Binding(BOOKS, "a.*"), Binding(BOOKS, "b.*"), by_headers]
    assert Queue("q", BOOKS).all_bindings() == [Binding(BOOKS, "")]
    assert Queue("q").all_bindings() == Queue("q", Exchange("")).all_bindings() == []


@pytest.mark.parametrize("wrong", [{"durable": False}, {"exclusive": True}, {"auto_delete": True}])
def test_a_replicated_queue_must_last(wrong: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="queue 'q': a quorum queue must be durable"):
        Queue("q", queue_type="quorum", **wrong)  # type: ignore[arg-type]  # each is a bool


def test_names_that_are_too_long_are_refused_where_they_are_written() -> None:
    for make in (
        lambda: Exchange("x" * 256),
        lambda: Queue("x" * 256),
        lambda: Binding(BOOKS, "x" * 256),
        lambda: Queue("q", BOOKS, "x" * 256),
    ):
        with pytest.raises(ValueError, match="at most 255 bytes"):
            make()


def test_everything_is_declared_once_and_after_what_it_is_bound_to() -> None:
    collected = Exchange("all", "fanout", bindings=[Binding(BOOKS, "#"), Binding(FILMS)])
    queue, twin = Queue("q", collected), Queue(
        "q", Exchange("all", "fanout", bindings=[Binding(BOOKS, "#"), Binding(FILMS)])
    )
    assert in_order([queue, twin, BOOKS]) == [BOOKS, FILMS, collected, queue]


def test_exchanges_may_be_bound_in_a_circle() -> None:
    one, other = Exchange("one"), Exchange("other")
    one.bindings, other.bindings = [Binding(other)], [Binding(one)]
    assert [item.name for item in in_order([one])] == ["other", "one"]
