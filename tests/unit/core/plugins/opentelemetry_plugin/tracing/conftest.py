"""A telemetry of its own for each test."""

import pytest

from tests.unit.core.plugins.opentelemetry_plugin.tracing.traced import Traced, make_traced


@pytest.fixture
def traced() -> Traced:
    """One that records everything."""
    return make_traced()
