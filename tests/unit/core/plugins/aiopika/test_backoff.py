from fastapi_factory_utilities.core.plugins.aiopika.backoff import Backoff


def test_pauses_grow_up_to_a_limit_and_are_never_the_same_for_all() -> None:
    backoff = Backoff(0.1, 2.0)
    for failures, whole in ((1, 0.1), (2, 0.2), (3, 0.4), (5, 1.6), (6, 2.0), (10_000, 2.0)):
        pauses = {backoff.pause(failures) for _ in range(50)}
        assert len(pauses) > 1
        assert whole / 2 <= min(pauses) <= max(pauses) <= whole
