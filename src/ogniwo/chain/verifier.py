"""A process that admits envelopes for the writer: decodes them, checks their form, verifies their signatures.

Started by `verifiers.py` as `python -m ogniwo.chain.verifier`; it reads requests from its standard input, writes one
reply each to its standard output, in order, and ends with its input. It holds no state but a copy of the key ring and
touches no file.
"""

import gc
import os
import signal

import msgspec

from ogniwo.core.ledger.admission import SignedTransaction, TurnedAway, admit_each
from ogniwo.core.ledger.signing import KeyRing, PublicKey

LENGTH_BYTES = 4


class Request(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Keys that the writer's ring got since the last request, and the envelopes to admit."""

    keys: list[PublicKey]
    envelopes: list[bytes]


class Reply(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a request gave: transactions in order, without their envelopes, and the others by position.

    A signature whose key is not known here stays open in its transaction; the writer settles it.
    """

    passed: list[SignedTransaction]
    turned_away: dict[int, TurnedAway]


_ENCODER = msgspec.msgpack.Encoder()
_REQUEST = msgspec.msgpack.Decoder(Request)


def frame(message: msgspec.Struct) -> bytes:
    """A message as it travels: its length (4 bytes, big-endian) and its MessagePack bytes."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def answer(request: Request, ring: KeyRing) -> Reply:
    """Admit a request's envelopes with a ring that follows the writer's."""
    ring.copy_in(request.keys)
    passed: list[SignedTransaction] = []
    turned_away: dict[int, TurnedAway] = {}
    for position, member in enumerate(admit_each(request.envelopes, ring)):
        if isinstance(member, TurnedAway):
            turned_away[position] = member
        else:
            # The writer has the envelope; it need not travel back.
            member.envelope = b""
            passed.append(member)
    return Reply(passed, turned_away)


def _read(source: int, count: int) -> bytes:
    """Exactly `count` bytes, or fewer at the end of the input."""
    pieces: list[bytes] = []
    while count and (piece := os.read(source, count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]


def main() -> None:
    """Serve until the input ends."""
    # An interrupt at the keyboard goes to the whole group; the writer still finishes what it has taken.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = 0, os.dup(1)
    # Whatever else writes to the standard output must not come between the replies.
    os.dup2(2, 1)
    # Nothing here makes cycles but a refusal now and then; walking a slice again and again costs more than those.
    gc.set_threshold(100_000)
    ring = KeyRing()
    try:
        _write(sink, frame(Reply([], {})))
        while len(length := _read(source, LENGTH_BYTES)) == LENGTH_BYTES:
            size = int.from_bytes(length, "big")
            body = _read(source, size)
            if len(body) < size:
                return
            _write(sink, frame(answer(_REQUEST.decode(body), ring)))
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main()
