"""Reporting how many books there are."""

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.taskiq_plugins import Every, injected, task
from fastapi_factory_utilities.example.services.books.reports import Reports
from fastapi_factory_utilities.example.services.books.search import Search

__all__ = ["report_books"]

_log = get_logger(__name__)


@task("report_books", schedules=[Every(minutes=1)])
async def report_books(search: Search = injected, reports: Reports = injected) -> None:
    """Tell the log, and the service `reports`, how many books there are and how many can be found by their words."""
    books, indexed = await search.count()
    _log.info("books counted", books=books, indexed=indexed)
    await reports.send(books=books, indexed=indexed)
