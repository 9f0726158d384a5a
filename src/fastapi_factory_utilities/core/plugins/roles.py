"""What a process of a service is there for."""

from enum import StrEnum

__all__ = ["ProcessRole"]


class ProcessRole(StrEnum):
    """What a process does; a plugin starts only what belongs there.

    Every role has the clients of all plugins: a task may read the database and publish a message.

    Attributes:
        WEB: It answers requests and consumes messages (`serve`).
        WORKER: It runs tasks (`worker`).
        SCHEDULER: It sends the tasks that are due (`scheduler`).
    """

    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"
