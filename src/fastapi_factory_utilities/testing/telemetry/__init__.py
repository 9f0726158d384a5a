"""Trace stories: which spans an application makes, asserted as a whole tree in a line that reads like a sentence."""

from fastapi_factory_utilities.testing.telemetry.asserting import assert_no_orphans, assert_story
from fastapi_factory_utilities.testing.telemetry.capture import SpanCapture
from fastapi_factory_utilities.testing.telemetry.grammar import StoryError
from fastapi_factory_utilities.testing.telemetry.records import EventRecord, LinkRecord, SpanRecord
from fastapi_factory_utilities.testing.telemetry.trees import draw, tell

__all__ = [
    "EventRecord",
    "LinkRecord",
    "SpanCapture",
    "SpanRecord",
    "StoryError",
    "assert_no_orphans",
    "assert_story",
    "draw",
    "tell",
]
