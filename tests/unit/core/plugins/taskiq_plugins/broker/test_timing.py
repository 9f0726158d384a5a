import pytest

from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_timing import Timing


@pytest.mark.parametrize("visibility_seconds", [1.0, 2.0, 5.0, 30.0, 3600.0])
def test_the_parts_of_the_visibility_timeout_fit_into_it(visibility_seconds: float) -> None:
    timing = Timing(visibility_seconds)
    assert 3 * timing.beat_seconds <= visibility_seconds, "two signs of life may get lost"
    assert timing.tick_seconds <= 0.5, "so that a dead worker's task is taken over within a second more"
    longest_pause_of_a_loop = min(1.0, visibility_seconds / 6)
    assert timing.settling_seconds > longest_pause_of_a_loop + timing.tick_seconds, "everybody's first sign of life"
    assert timing.settling_seconds + timing.lateness_seconds < visibility_seconds
