"""The ledger as a bare ASGI application: a table of addresses, each one call of the service.

No framework: there are a dozen addresses, and a framework costs more than the ledger's own work for one transfer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.ledger_http.joining import Joiner
from ogniwo.interfaces.ledger_http.limits import Limits
from ogniwo.interfaces.ledger_http.problems import (
    BodyTooLargeError,
    Headers,
    MalformedRequestError,
    MediaTypeError,
    MethodError,
    NoSuchPathError,
    OverloadedError,
    ParameterError,
    problem,
)
from ogniwo.services.ledger.served import BLOCKS_MAX, ROWS_MAX, Answer, Located, ServedLedger, StoppedError

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Reply = tuple[int, Headers, bytes]
Handler = Callable[[Scope, Receive], Awaitable[Reply]]

JSON: Final = b"application/json"
MESSAGE_PACK: Final = b"application/msgpack"
TEXT: Final = b"text/plain; charset=utf-8"
QUERY_HEADER: Final = b"ogniwo-query"
_DIGEST_DIGITS = 64
_HEX = frozenset("0123456789abcdef")
_LOG_INDEX_MAX = 10**15 - 1

_Result = TypeVar("_Result")


class AnswerBody(msgspec.Struct, omit_defaults=True):
    """What became of a transaction, as JSON; `time` is that of its block in seconds since 1970."""

    transaction: str
    code: str
    height: int
    position: int
    log_index: int
    time: int
    detail: str = ""
    original: str = ""


_ENCODER = msgspec.json.Encoder()
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_BYTES_LIST = msgspec.msgpack.Decoder(list[bytes])
_BLOCKS = msgspec.msgpack.Encoder()


def _body_of(answer: Answer) -> AnswerBody:
    return AnswerBody(
        answer.transaction,
        answer.code,
        answer.height,
        answer.position,
        answer.log_index,
        answer.time_s,
        answer.detail,
        answer.original,
    )


def _place_of(place: Located) -> AnswerBody:
    return AnswerBody(place.name, place.outcome, place.height, place.position, place.log_index, place.time_s)


def _reply(body: bytes, kind: bytes = JSON, status: int = 200) -> Reply:
    return status, [(b"content-type", kind), (b"content-length", b"%d" % len(body))], body


class LedgerApplication:
    """The ASGI application over one served ledger; one event loop, one thread more for SQL and blocks."""

    def __init__(self, served: ServedLedger, *, limits: Limits) -> None:
        self._served = served
        self._limits = limits
        self._joiner: Joiner | None = None
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="ledger-read")
        self._reading = 0
        self._bodies_bytes = 0
        self._fixed: dict[str, tuple[str, Handler]] = {
            "/v1/transactions": ("POST", self._transaction),
            "/v1/batches": ("POST", self._batch),
            "/v1/head": ("GET", self._head),
            "/v1/health": ("GET", self._health),
            "/v1/checkpoint": ("GET", self._checkpoint),
            "/v1/consistency": ("GET", self._consistency),
            "/v1/blocks": ("GET", self._blocks),
            "/v1/commitments": ("GET", self._commitments),
        }
        self._of_account: dict[str, Callable[[str, Scope], Awaitable[Reply]]] = {
            "history": self._history,
            "balances": self._balances,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a refusal becomes a problem document, anything else is a bug and 500."""
        try:
            status, headers, body = await self._route(scope)(scope, receive)
        except Refusal as refusal:
            status, headers, body = problem(refusal.code, refusal.detail)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        """Wait for what is under way, then stop the reading thread."""
        if self._joiner is not None:
            await self._joiner.drained()
        await asyncio.get_running_loop().run_in_executor(None, self._readers.shutdown)

    def _route(self, scope: Scope) -> Handler:
        path = scope["path"]
        method, handler = self._fixed.get(path) or self._named(path)
        if scope["method"] != method:
            raise MethodError(detail=f"{path} takes {method}")
        return handler

    def _named(self, path: str) -> tuple[str, Handler]:
        """The handlers of one transaction or one account: the last word of the address says which."""
        kind, _, rest = path.removeprefix("/v1/").partition("/")
        if path.startswith("/v1/") and rest and kind == "transactions":
            name, _, part = rest.partition("/")
            if len(name) == _DIGEST_DIGITS and set(name) <= _HEX and part in {"", "receipt"}:
                if part:
                    return "GET", lambda scope, _receive: self._receipt(name, scope)
                return "GET", lambda _scope, _receive: self._place(name)
        if path.startswith("/v1/") and rest and kind == "accounts":
            account, _, part = rest.rpartition("/")
            if account and part in self._of_account:
                handler = self._of_account[part]
                return "GET", lambda scope, _receive: handler(account, scope)
        raise NoSuchPathError(detail=f"there is nothing at {path[:200]!r}")

    def _joined(self) -> Joiner:
        if self._joiner is None:
            self._joiner = Joiner(
                lambda envelopes, done: self._served.offer(envelopes, done=done), loop=asyncio.get_running_loop()
            )
        return self._joiner

    async def _transaction(self, scope: Scope, receive: Receive) -> Reply:
        body = await _read(scope, receive, limit=self._limits.envelope_bytes)
        (answer,) = await self._joined().put((body,))
        if answer.on_ledger:
            return _reply(_ENCODER.encode(_body_of(answer)))
        return problem(
            answer.code,
            answer.detail,
            transaction=answer.transaction,
            height=answer.height,
            position=answer.position,
            log_index=answer.log_index,
            time=answer.time_s,
        )

    async def _batch(self, scope: Scope, receive: Receive) -> Reply:
        kind = _header(scope, b"content-type").partition(b";")[0].strip().lower()
        if kind not in {JSON, MESSAGE_PACK}:
            raise MediaTypeError(detail="a batch is application/msgpack (byte strings) or application/json (objects)")
        room = self._limits.batch_bytes
        if self._bodies_bytes + room > self._limits.bodies_bytes:
            raise OverloadedError(detail="as many batches are being received as this server takes; try again later")
        self._bodies_bytes += room
        try:
            body = await _read(scope, receive, limit=room)
            envelopes = self._envelopes(body, kind)
            answers = await self._joined().put(envelopes) if envelopes else []
        finally:
            self._bodies_bytes -= room
        return _reply(_ENCODER.encode({"answers": [_body_of(answer) for answer in answers]}))

    def _envelopes(self, body: bytes, kind: bytes) -> list[bytes]:
        try:
            if kind == MESSAGE_PACK:
                envelopes = _BYTES_LIST.decode(body)
            else:
                envelopes = [bytes(raw) for raw in _RAW_LIST.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRequestError(detail=f"the batch is not an array of envelopes: {error}") from error
        if len(envelopes) > self._limits.batch_transactions:
            raise BodyTooLargeError(
                detail=f"{len(envelopes)} transactions; a batch has at most {self._limits.batch_transactions}"
            )
        return envelopes

    async def _head(self, _scope: Scope, _receive: Receive) -> Reply:
        head = self._served.head()
        return _reply(_ENCODER.encode(dict(head._asdict())))

    async def _health(self, _scope: Scope, _receive: Receive) -> Reply:
        health = self._served.health()
        return _reply(_ENCODER.encode(dict(health._asdict())), status=200 if health.running else 503)

    async def _checkpoint(self, _scope: Scope, _receive: Receive) -> Reply:
        return _reply((await self._read_later(self._served.checkpoint)).encode(), TEXT)

    async def _consistency(self, scope: Scope, _receive: Receive) -> Reply:
        old = _numbers(scope, old=None)["old"]
        return _reply(_ENCODER.encode(await self._read_later(lambda: self._served.consistency(old=old))))

    async def _blocks(self, scope: Scope, _receive: Receive) -> Reply:
        asked, signed = _numbers(scope, **{"from": None, "limit": BLOCKS_MAX}), _signed(scope)
        blocks = await self._read_later(
            lambda: self._served.blocks(from_height=asked["from"], limit=asked["limit"], **signed)
        )
        return _reply(_BLOCKS.encode(blocks), MESSAGE_PACK)

    async def _commitments(self, scope: Scope, _receive: Receive) -> Reply:
        asked, signed = _numbers(scope, **{"from": None, "limit": ROWS_MAX}), _signed(scope)
        found = await self._read_later(
            lambda: self._served.commitments(from_index=asked["from"], limit=asked["limit"], **signed)
        )
        return _reply(_ENCODER.encode({"commitments": [_place_of(one) for one in found]}))

    async def _history(self, account: str, scope: Scope) -> Reply:
        asked, signed = _numbers(scope, before=_LOG_INDEX_MAX, limit=ROWS_MAX), _signed(scope)
        rows = await self._read_later(
            lambda: self._served.history(account, before=asked["before"], limit=asked["limit"], **signed)
        )
        return _reply(_ENCODER.encode({"account": account, "history": rows}))

    async def _balances(self, account: str, scope: Scope) -> Reply:
        signed = _signed(scope)
        found = await self._read_later(lambda: self._served.balances(account, **signed))
        return _reply(_ENCODER.encode({"account": account, "balances": found}))

    async def _place(self, name: str) -> Reply:
        return _reply(_ENCODER.encode(_place_of(await self._read_later(lambda: self._served.place(name)))))

    async def _receipt(self, name: str, scope: Scope) -> Reply:
        signed = _signed(scope)
        return _reply(await self._read_later(lambda: self._served.receipt(name, **signed)))

    async def _read_later(self, read: Callable[[], _Result]) -> _Result:
        """Run what needs SQL or the disk on the reading thread; refuses when too much waits for it."""
        if self._reading >= self._limits.reads_waiting:
            raise OverloadedError(detail=f"{self._reading} reads are waiting; try again later")
        self._reading += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, read)
        finally:
            self._reading -= 1


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def _signed(scope: Scope) -> dict[str, str]:
    """The signed query of a request and the path, with its parameters, that the query has to name."""
    path, parameters = scope["raw_path"], scope["query_string"]
    target = path + b"?" + parameters if parameters else path
    return {
        "query": _header(scope, QUERY_HEADER).decode("latin-1"),
        "path": target.decode("latin-1"),
    }


async def _read(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The whole body; refused as soon as it is known to be longer than `limit`."""
    length = _header(scope, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLargeError(detail=f"{int(length)} bytes; at most {limit} are taken here")
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        body: bytes = message["body"]
        if len(body) <= limit:
            return body
    parts, size = [], 0
    while message["type"] == "http.request":
        parts.append(message["body"])
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLargeError(detail=f"more than the {limit} bytes that are taken here")
        if not message["more_body"]:
            return b"".join(parts)
        message = await receive()
    raise StoppedError(detail="the client went away before its request was whole")


def _numbers(scope: Scope, **wanted: int | None) -> dict[str, int]:
    """The parameters of the address as numbers from 0 on; None marks one that has to be there."""
    try:
        given = dict(parse_qsl(scope["query_string"].decode("ascii"), strict_parsing=bool(scope["query_string"])))
    except (ValueError, UnicodeDecodeError) as error:
        raise ParameterError(detail=f"the parameters cannot be read: {error}") from error
    unknown = set(given) - set(wanted)
    if unknown:
        raise ParameterError(detail=f"unknown parameter {min(unknown)[:40]!r}; known: {', '.join(sorted(wanted))}")
    found = {}
    for name, default in wanted.items():
        text = given.get(name, "" if default is None else str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise ParameterError(detail=f"{name} is a number from 0 on")
        found[name] = int(text)
    return found
