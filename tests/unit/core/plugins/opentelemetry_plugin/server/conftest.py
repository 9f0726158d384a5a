"""A recorded application."""

import pytest

from tests.unit.core.plugins.opentelemetry_plugin.server.recorded import Recorded


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()
