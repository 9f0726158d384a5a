"""Running an application with uvicorn: one process, several, or one that reloads; serving, or working beside it."""

import errno
import pickle
import socket
import ssl
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import uvicorn

from fastapi_factory_utilities.core.app.application import ApplicationAbstract
from fastapi_factory_utilities.core.app.builder import ApplicationGenericBuilder
from fastapi_factory_utilities.core.app.config import RootConfig, ServerConfig
from fastapi_factory_utilities.core.app.draining import DrainingServer
from fastapi_factory_utilities.core.app.http_protocol import limited_protocol
from fastapi_factory_utilities.core.app.supervisor import Supervisor
from fastapi_factory_utilities.core.exceptions import ApplicationError, FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.logs import install_exception_hooks
from fastapi_factory_utilities.core.plugins import ProcessRole

__all__ = ["WRONG_SETUP", "serve", "tell"]

WRONG_SETUP = 2
"""The exit status of a set-up that a person has to correct."""


def serve(
    builder: ApplicationGenericBuilder[Any],
    *,
    processes: int | None = None,
    health_port: int | None = None,
    debug: bool = False,
) -> int:
    """Build and serve until told to stop; in a role other than web, run without serving anything but its health.

    Args:
        builder: What makes the application; with several workers or reload it is pickled and builds once in each.
        processes: How many processes; by default `server.workers` when serving, else one.
        health_port: In a role other than web, where to answer `/api/v1/sys/...` for the orchestrator's probes.
        debug: Show the traceback of a wrong set-up as well.

    Returns:
        The exit status: 0 after a clean stop, 2 for a wrong set-up, another one when the service failed.
    """
    try:
        # Before it builds: plugins that have their application hold things that cannot go to another process.
        pickled, obstacle = _pickle(builder)
        application = builder.build()
        config: RootConfig = application.get_config()
        is_web = builder.role is ProcessRole.WEB
        reload = is_web and config.development.reload
        count = processes or (config.server.workers if is_web else 1)
        if (reload or count > 1) and obstacle:
            raise ApplicationError(
                f"server.workers and development.reload need a builder that can be pickled, and this one cannot "
                f"({obstacle}): define its class, plugins and configuration at the top level of a module"
            )
        with _listener(config.server, is_web=is_web, health_port=health_port) as listener:
            if reload and listener is not None:
                return _serve_reloading(pickled, application, listener)
            if count > 1:
                return Supervisor(
                    partial(_build_and_serve_here, pickled),
                    workers=count,
                    listener=listener,
                    grace_seconds=config.server.grace_seconds,
                ).run()
            return _serve_here(application, listener)
    except FastAPIFactoryUtilitiesError as error:
        tell(error, debug=debug)
        return WRONG_SETUP


def tell(error: Exception, *, debug: bool = False) -> None:
    """Tell a person at a terminal what is wrong with their set-up."""
    if debug:
        traceback.print_exception(error)
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()


def _pickle(builder: ApplicationGenericBuilder[Any]) -> tuple[bytes, str | None]:
    try:
        return pickle.dumps(builder), None
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return b"", str(error)


def _build_and_serve_here(pickled: bytes, listener: socket.socket | None) -> int:
    """Serve in a process that has just begun."""
    builder: ApplicationGenericBuilder[Any] = pickle.loads(pickled)  # noqa: S301 - our own parent made it
    try:
        return _serve_here(builder.build(), listener)
    except FastAPIFactoryUtilitiesError as error:
        tell(error)
        return WRONG_SETUP


def _build_and_serve_reloaded(pickled: bytes, sockets: list[socket.socket]) -> None:
    """Serve in a process that the next change of a file ends, without waiting for an orchestrator."""
    builder: ApplicationGenericBuilder[Any] = pickle.loads(pickled)  # noqa: S301 - our own parent made it
    try:
        status = _serve_here(builder.build(), sockets[0], drain_seconds=0.0)
    except FastAPIFactoryUtilitiesError as error:
        tell(error)
        status = WRONG_SETUP
    sys.exit(status)


def _serve_here(
    application: ApplicationAbstract[Any], listener: socket.socket | None, *, drain_seconds: float | None = None
) -> int:
    install_exception_hooks()
    application.telemetry_slot.owns_process = True
    if application.role is not ProcessRole.WEB:
        drain_seconds = 0.0  # nobody sends it requests that would have to be led elsewhere first
    server = DrainingServer(_uvicorn_config(application), application, drain_seconds=drain_seconds)
    try:
        server.run(sockets=[] if listener is None else [listener])
    except SystemExit as stop:  # uvicorn's way to say that the application did not start; it has been logged
        return stop.code if isinstance(stop.code, int) else 1
    finally:
        server.close_if_unfinished()
    return 1 if server.was_forced or server.failed_to_stop else 0


def _serve_reloading(pickled: bytes, application: ApplicationAbstract[Any], listener: socket.socket) -> int:
    from uvicorn.supervisors import ChangeReload  # noqa: PLC0415 - only development pays for the file watcher

    # uvicorn reloads only what it knows by name; the name is never looked up, our target builds the application.
    config = uvicorn.Config(application.PACKAGE_NAME, reload=True, log_config=None)
    ChangeReload(config, target=partial(_build_and_serve_reloaded, pickled), sockets=[listener]).run()
    return 0


def _uvicorn_config(application: ApplicationAbstract[Any]) -> uvicorn.Config:
    """Translate the `server` section; logs are ours, and so are access lines."""
    server: ServerConfig = application.get_config().server
    password = server.ssl_keyfile_password
    return uvicorn.Config(
        application,
        host=server.host,
        port=server.port,
        http=limited_protocol(server),
        ws_max_size=server.max_message_bytes,
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=server.forwarded_allow_ips,
        limit_concurrency=server.limit_concurrency,
        timeout_keep_alive=server.timeout_keep_alive_seconds,
        ssl_certfile=server.ssl_certfile,
        ssl_keyfile=server.ssl_keyfile,
        ssl_keyfile_password=None if password is None else password.get_secret_value(),
        ssl_ca_certs=None if server.ssl_ca_certs is None else str(server.ssl_ca_certs),
        ssl_cert_reqs=ssl.CERT_NONE if server.ssl_ca_certs is None else ssl.CERT_REQUIRED,
    )


def _listener(
    server: ServerConfig, *, is_web: bool, health_port: int | None
) -> AbstractContextManager[socket.socket | None]:
    if is_web:
        return _bind(server)
    return nullcontext() if health_port is None else _bind(server.model_copy(update={"port": health_port}))


def _bind(server: ServerConfig) -> socket.socket:
    """Take the port, or say why it cannot be had.

    Raises:
        ApplicationError: The port is in use, forbidden, or the host is not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.host, server.port))
        listener.set_inheritable(True)
    except OSError as error:
        listener.close()
        advice = {
            errno.EADDRINUSE: "it is in use: stop the other process, or set server.port (APP__SERVER__PORT)",
            errno.EACCES: "this user may not: choose a port above 1023",
            errno.EADDRNOTAVAIL: "the address is not one of this machine's: set server.host, 0.0.0.0 means all",
        }.get(error.errno or 0, f"{error.strerror or error}: set server.host and server.port")
        raise ApplicationError(
            f"cannot listen on {server.host}:{server.port}: {advice}", host=server.host, port=server.port
        ) from error
    return listener
