"""Carries the bytes of one connection in one direction, through the faults of the line."""

import asyncio
import socket

from fastapi_factory_utilities.testing.proxy.faults import Cut, Faults
from fastapi_factory_utilities.testing.proxy.line import Line

__all__ = ["LineCutError", "pump"]

_READ_BYTES = 64 * 1024
# How many pieces may be on their way at once: enough that latency does not limit the throughput.
_PIECES_UNDERWAY = 256
# A limited line is limited evenly: a tenth of a second's worth at a time.
_PIECES_PER_SECOND = 10
# Between two slices, so that a reader in another process finds them one by one.
_SLICE_PAUSE_SECONDS = 0.0002


# Pieces with the moment of their arrival; the last one is empty, or the error that the source broke off with.
type _Underway = asyncio.Queue[tuple[float, bytes | OSError]]


class LineCutError(Exception):
    """Raised when a connection carried the bytes it was allowed to carry."""


async def pump(line: Line, source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes from `source` to `sink` until the source ends, then pass the end on.

    Raises:
        LineCutError: When the line was ordered to cut the connection here.
        OSError: When one of the two ends broke the connection off.
    """
    underway: _Underway = asyncio.Queue(_PIECES_UNDERWAY)
    reader = asyncio.create_task(_read(line, source, underway))
    try:
        await _write(line, sink, underway)
    finally:
        reader.cancel()
        await asyncio.wait([reader])


async def _read(line: Line, source: socket.socket, underway: _Underway) -> None:
    loop = asyncio.get_running_loop()
    data: bytes | OSError = b"-"
    while data:
        await line.thawed()
        try:
            data = await loop.sock_recv(source, _READ_BYTES)
        except OSError as error:
            await underway.put((loop.time(), error))
            return
        await underway.put((loop.time(), data))


async def _write(line: Line, sink: socket.socket, underway: _Underway) -> None:
    cut: Cut | None = None
    left = 0
    while True:
        arrived, data = await underway.get()
        await line.wait(lambda faults: faults.latency_seconds, since=arrived)
        if isinstance(data, OSError):
            await line.thawed()
            raise data
        if not data:
            await line.wait(lambda faults: faults.close_delay_seconds, since=arrived)
            await line.thawed()
            sink.shutdown(socket.SHUT_WR)
            return
        while data:
            await line.thawed()
            faults = line.faults
            if faults.cut is not cut:
                cut, left = faults.cut, faults.cut.after_bytes if faults.cut else 0
            size = _piece_size(faults, len(data), left if cut else None)
            if not size:
                raise LineCutError
            await _send(line, sink, data[:size])
            data = data[size:]
            left -= size


def _piece_size(faults: Faults, waiting: int, left: int | None) -> int:
    sizes = [waiting]
    if faults.slice_bytes is not None:
        sizes.append(faults.slice_bytes)
    if faults.bytes_per_second is not None:
        sizes.append(max(1, int(faults.bytes_per_second / _PIECES_PER_SECOND)))
    if left is not None:
        sizes.append(left)
    return min(sizes)


async def _send(line: Line, sink: socket.socket, piece: bytes) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await loop.sock_sendall(sink, piece)
    line.bytes_forwarded += len(piece)
    if line.faults.slice_bytes is not None:
        await asyncio.sleep(_SLICE_PAUSE_SECONDS)
    await line.wait(
        lambda faults: len(piece) / faults.bytes_per_second if faults.bytes_per_second else 0.0, since=started
    )
