"""The index follows the books."""

from typing import Annotated

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.aiopika import AbstractListener
from fastapi_factory_utilities.core.plugins.taskiq_plugins import SchedulerComponent, depends_scheduler_component
from fastapi_factory_utilities.example.events.books import BookMessage
from fastapi_factory_utilities.example.tasks.books import index_book

__all__ = ["BookIndexer"]


class BookIndexer(AbstractListener[BookMessage]):
    """Has each book that changed indexed by a task, so that a slow index keeps no message waiting."""

    async def on_message(
        self, message: BookMessage, tasks: Annotated[SchedulerComponent, Depends(depends_scheduler_component)]
    ) -> None:
        """Send the task."""
        await tasks.get_task(index_book).kiq(message.data.book_id)
