"""The socket server of ABCI 2.0: CometBFT opens four connections and asks; the application answers in order.

Each connection is answered one request at a time, in the order of asking. The work runs in threads, so that checking
waiting transactions (one connection) does not stand in the way of deciding a block (another).
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from ogniwo.chain.network.messages import (
    REQUESTS,
    RequestEcho,
    RequestFlush,
    ResponseEcho,
    ResponseException,
    ResponseFlush,
    pack,
    unpack,
)
from ogniwo.chain.network.protobuf import Message, WireFormatError
from ogniwo.core.kernel.refusals import Refusal

MESSAGE_BYTES_MAX = 128 << 20
_CONNECTIONS = 4
_VARINT_BYTES_MAX = 5


class AbciServer:
    """Serves one application on a Unix socket; `failure` ends with what the application could not do.

    `answer` takes a request and gives its response; it is called from several threads at once. A Refusal or fault in it
    is told to CometBFT, which stops: a node that cannot follow must not go on.
    """

    def __init__(self, answer: Callable[[Message], Message], *, path: Path) -> None:
        self._answer = answer
        self._path = path
        self._pool = ThreadPoolExecutor(_CONNECTIONS + 1, thread_name_prefix="abci")
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, path=str(self._path))
        self._path.chmod(0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=True)
        if self.failure.done() and not self.failure.cancelled():
            self.failure.exception()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while (outer := await _read(reader)) is not None:
                response = await self._respond(outer)
                writer.write(pack(response))
                await writer.drain()
                if isinstance(response, ResponseException):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the other side is gone, or this server closes; what it did not hear it will ask again
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _respond(self, outer: bytes) -> Message:
        try:
            request = unpack(outer, REQUESTS)
            if isinstance(request, RequestFlush):
                return ResponseFlush()
            if isinstance(request, RequestEcho):
                return ResponseEcho(request.message)
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, request)
        except WireFormatError as refusal:
            return ResponseException(str(refusal))
        except Exception as error:  # noqa: BLE001 -- told to CometBFT and to whoever waits for `failure`
            if not self.failure.done():
                self.failure.set_exception(error)
            return ResponseException(str(error) if isinstance(error, Refusal) else repr(error))


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    """The next outer message, None at the end of the connection; raises ConnectionError when it is too large."""
    size = 0
    for position in range(_VARINT_BYTES_MAX):
        byte = await reader.read(1)
        if not byte:
            return None
        size |= (byte[0] & 0x7F) << (7 * position)
        if byte[0] < 0x80:
            break
    if size > MESSAGE_BYTES_MAX:
        raise ConnectionError(f"a message of {size} bytes")
    return await reader.readexactly(size)
