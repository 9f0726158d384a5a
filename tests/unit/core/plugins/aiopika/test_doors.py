import subprocess
import sys

import pytest
from fastapi import FastAPI

from fastapi_factory_utilities.core.plugins import PluginNotActiveError, aiopika
from fastapi_factory_utilities.core.plugins.aiopika import AbstractPublisher, GenericMessage, depends_publisher


class Events(AbstractPublisher[GenericMessage[int]]):
    pass


class OtherEvents(AbstractPublisher[GenericMessage[int]]):
    pass


def test_everything_that_is_promised_is_there() -> None:
    for name in aiopika.__all__:
        assert getattr(aiopika, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = aiopika.nothing


def test_defining_a_plugin_with_publishers_needs_no_driver() -> None:
    program = """
import sys
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractPublisher, AiopikaPlugin, Exchange, GenericMessage, Queue, depends_publisher
)
class Events(AbstractPublisher[GenericMessage[int]]): pass
AiopikaPlugin(publishers=[Events(Exchange("books"))], queues=[Queue("q", Exchange("books"), "#")])
depends_publisher(Events)
GenericMessage[int](data=1).to_bytes()
"""
    loaded = "print([name for name in sys.modules if name.split('.')[0] in ('aio_pika', 'aiormq', 'pamqp', 'yarl')])"
    done = subprocess.run([sys.executable, "-c", program + loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_each_publisher_class_and_name_has_one_dependency_of_its_own() -> None:
    assert depends_publisher(Events) is depends_publisher(Events)
    assert depends_publisher(Events, "north") is depends_publisher(Events, "north")
    different = {depends_publisher(Events), depends_publisher(OtherEvents), depends_publisher(Events, "north")}
    assert len(different) == 3


def test_a_publisher_that_nobody_provides_says_whom_to_list() -> None:
    with pytest.raises(PluginNotActiveError, match="list AiopikaPlugin in the builder's plugins"):
        depends_publisher(Events).of(FastAPI())
