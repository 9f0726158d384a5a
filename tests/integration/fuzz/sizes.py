"""How much is thrown at the library: a little in every run, as much as one likes by hand.

`FUZZ_EXAMPLES=20000 pytest tests/integration/fuzz` makes so many examples in each test. What a failed example was is
printed, and kept in `.hypothesis` for the next run.
"""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

__all__ = ["EXAMPLES", "TOLERANT", "fuzzing"]

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "25"))

TOLERANT: Final = [
    # The event loop goes on while Hypothesis draws, and what runs there waits for random times.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
    # What is long is the request that failed, and it is wanted as it is.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]


def fuzzing(share: float = 1.0) -> settings:
    """How often one test tries; never timed, since the machine may be busy.

    Args:
        share: Of `FUZZ_EXAMPLES`, for a test whose examples are many in one, or slow.
    """
    return settings(
        max_examples=max(5, int(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
