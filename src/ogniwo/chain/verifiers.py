"""Processes that verify for the writer, so that all processors do, while one interpreter decides and writes.

Verifying in threads does not keep two processors busy: after every signature a thread waits for the interpreter lock.
So batches go in slices to a few long-lived processes (verifier.py), which decode, check the form and verify against a
copy of the key ring; the writer takes what they found and executes the batch before. It never waits for company: while
no process is ready, or one died, the writer verifies itself. Nothing is started before it pays: a command that posts
a few transactions starts none, and goes without the compiled hashes too (core.ledger.hashing), which are loaded at the
same time for the writer.

The writer trusts what these processes say as it trusts itself: they run the same code from the same installation under
the same user, fed and read through pipes that nobody else has. Whoever can forge a reply can as well write to the
writer's memory. Against the operator stand the audit and the checkpoints in other hands, not this boundary.
"""

import fcntl
import os
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from ogniwo.chain.closing import Closing
from ogniwo.chain.verifier import LENGTH_BYTES, Reply, Request, frame
from ogniwo.core.ledger import hashing
from ogniwo.core.ledger.admission import SignedTransaction, TurnedAway, admit_each
from ogniwo.core.ledger.signing import KeyRing

START_AFTER = 1_000
"""Starting the processes costs about as much time as verifying this many signatures."""

SLICE_MAX = 250
SLICE_MIN = 8
"""Fewer than this are verified sooner than sent, unless they are large."""

SIGNATURE_BYTES = 1_000
"""More bytes of an envelope than these are there for another signature: a day of readings takes 800 to 1,000."""

AHEAD_MAX = 2
"""Full blocks worth verifying ahead of the one that is executed."""

SILENCE_S_MAX = 10.0
"""A process that owes a reply for so long is given up; a slice takes hundredths of a second."""

COMPILING = "ledger-compile"
"""The name of the thread that loads the compiled hashes."""

_IN_FLIGHT_MAX = 4
"""Slices a process holds, so that it has work while the writer executes a block."""

_PIPE_BYTES = 1 << 20
_REPLACEMENTS_MAX = 8
_REPLY = msgspec.msgpack.Decoder(Reply)

Member = SignedTransaction | TurnedAway


class _Slice:
    """A run of envelopes on its way; `reply` None until a process has answered.

    The reply is decoded only when its transactions are wanted: what was decoded long before has left the processor's
    cache, and executing it takes half as long again.
    """

    __slots__ = ("envelopes", "reply", "tried")

    def __init__(self, envelopes: Sequence[bytes]) -> None:
        self.envelopes = envelopes
        self.reply: bytes | None = None
        self.tried = False

    def members(self, ring: KeyRing) -> list[Member]:
        """What became of each envelope, in order; verified here when no process answered, or not to the point."""
        if self.reply is None:
            return admit_each(self.envelopes, ring)
        try:
            reply = _REPLY.decode(self.reply)
            members: list[Member] = [*reply.passed]
            for position, turned in sorted(reply.turned_away.items()):
                members.insert(position, turned)
            for member, envelope in zip(members, self.envelopes, strict=True):
                if isinstance(member, SignedTransaction):
                    member.envelope = envelope
        except ValueError:
            return admit_each(self.envelopes, ring)
        return members


class Handed:
    """A batch handed in, to be asked for in `Verifiers.finish`."""

    __slots__ = ("slices",)

    def __init__(self, slices: list[_Slice]) -> None:
        self.slices = slices


class _Process:
    """One process and the pipes to it, none of which ever blocks the writer."""

    def __init__(self) -> None:
        if not sys.executable:
            raise OSError("the interpreter does not say where it is")
        # -P: the working directory is no place to load code from.
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "ogniwo.chain.verifier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        if self._child.stdin is None or self._child.stdout is None:  # pragma: no cover -- asked for above
            raise OSError("no pipes to the process")
        self.to, self.back = self._child.stdin.fileno(), self._child.stdout.fileno()
        for end in (self.to, self.back):
            os.set_blocking(end, False)
            _enlarge(end)
        self.ready = False
        self.in_flight: deque[_Slice] = deque()
        self.heard_s = time.monotonic()
        self._keys_sent = 0
        self._out: deque[memoryview] = deque()
        self._in = bytearray()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def send(self, part: _Slice, ring: KeyRing) -> None:
        """Queue a slice, with the keys that the copy of the ring lacks."""
        if not self.in_flight:
            self.heard_s = time.monotonic()
        self.in_flight.append(part)
        keys = ring.since(self._keys_sent)
        self._keys_sent += len(keys)
        self._out.append(memoryview(frame(Request(keys, list(part.envelopes)))))

    def flush(self) -> None:
        """Write as much as the pipe takes; raises OSError when nobody reads it any more."""
        while self._out:
            try:
                written = os.write(self.to, self._out[0])
            except BlockingIOError:
                return
            if written == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = self._out[0][written:]

    def receive(self) -> None:
        """Take in what has arrived; raises EOFError when the process is gone."""
        while True:
            try:
                piece = os.read(self.back, _PIPE_BYTES)
            except BlockingIOError:
                return
            if not piece:
                raise EOFError(f"process {self.pid} is gone")
            self._in += piece
            while len(self._in) >= LENGTH_BYTES:
                end = LENGTH_BYTES + int.from_bytes(self._in[:LENGTH_BYTES], "big")
                if len(self._in) < end:
                    break
                self._take(bytes(memoryview(self._in)[LENGTH_BYTES:end]))
                del self._in[:end]

    def _take(self, reply: bytes) -> None:
        self.heard_s = time.monotonic()
        if not self.ready:
            self.ready = True
        elif self.in_flight:
            self.in_flight.popleft().reply = reply
        else:
            raise EOFError(f"process {self.pid} answers what nobody asked")

    def end(self, *, kill: bool = False) -> None:
        """Close the pipes, which ends the process, and wait for it."""
        if kill:
            self._child.kill()
        for end in (self._child.stdin, self._child.stdout):
            if end is not None:
                end.close()
        try:
            self._child.wait(timeout=SILENCE_S_MAX)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Verifiers(Closing):
    """Up to `count` processes that admit batches against the keys of a ring; used by one thread, the ring's writer.

    `begin` hands a batch in, `finish` gives its members in order; several may be under way. `count` 0 starts none.
    """

    def __init__(self, ring: KeyRing, *, count: int, start_after: int = START_AFTER) -> None:
        self._ring = ring
        self._count = count
        self._start_after = start_after
        self._seen = 0
        self._processes: list[_Process] = []
        self._waiting: deque[_Slice] = deque()
        self._replacements = _REPLACEMENTS_MAX
        self._started = False

    @property
    def pids(self) -> list[int]:
        """The processes that are ready."""
        return [process.pid for process in self._processes if process.ready]

    def begin(self, envelopes: Sequence[bytes]) -> Handed:
        """Hand a batch in."""
        weight = max(len(envelopes), sum(map(len, envelopes)) // SIGNATURE_BYTES)
        self._seen += weight
        if not self._started and self._seen >= self._start_after:
            self._started = True
            # Beside the writer, which goes on meanwhile: either form gives the same hashes. No daemon, since what is
            # cut off in the compiler can take the interpreter down at its end.
            threading.Thread(target=_compile_hashes, name=COMPILING).start()
            for _ in range(self._count):
                self._start()
        if self._processes:
            self._pump()
        if weight < SLICE_MIN or not self.pids:
            return Handed([_Slice(envelopes)])
        least, most = (max(bound * len(envelopes) // weight, 1) for bound in (SLICE_MIN, SLICE_MAX))
        share = min(max(-(-len(envelopes) // len(self.pids)), least), most)
        slices = [_Slice(envelopes[start : start + share]) for start in range(0, len(envelopes), share)]
        self._waiting.extend(slices)
        self._assign()
        return Handed(slices)

    def finish(self, handed: Handed) -> Iterator[list[Member]]:
        """The members of a batch, in order and slice by slice.

        Waits for the processes first, and verifies here what they cannot: nothing long is left to do afterwards.
        """
        admitted: dict[int, list[Member]] = {}
        for number, part in enumerate(handed.slices):
            while part.reply is None and self._under_way(part):
                self._pump(wait=True)
            if part in self._waiting:
                self._waiting.remove(part)
            if part.reply is None:
                admitted[number] = admit_each(part.envelopes, self._ring)
        return (admitted.get(number) or part.members(self._ring) for number, part in enumerate(handed.slices))

    def close(self) -> None:
        """End all processes."""
        self._count = 0
        while self._processes:
            self._processes.pop().end()

    def _start(self) -> None:
        try:
            self._processes.append(_Process())
        except OSError:
            # No process to be had (limits, memory, no interpreter to start): the writer goes on alone.
            self._count = 0

    def _under_way(self, part: _Slice) -> bool:
        return any(part in process.in_flight for process in self._processes) or (
            part in self._waiting and any(process.ready for process in self._processes)
        )

    def _assign(self) -> None:
        """Give waiting slices to the processes that hold the fewest."""
        while self._waiting:
            free = [each for each in self._processes if each.ready and len(each.in_flight) < _IN_FLIGHT_MAX]
            if not free:
                break
            min(free, key=lambda process: len(process.in_flight)).send(self._waiting.popleft(), self._ring)
        for process in list(self._processes):
            try:
                process.flush()
            except OSError:
                self._bury(process)

    def _pump(self, *, wait: bool = False) -> None:
        """Move what can be moved in both directions; with `wait` at least one event or a silence is waited for."""
        self._assign()
        poll = select.poll()
        for process in self._processes:
            poll.register(process.back, select.POLLIN)
            if process.unsent:
                poll.register(process.to, select.POLLOUT)
        ends = {end for end, _ in poll.poll(SILENCE_S_MAX * 1_000 if wait else 0)}
        now = time.monotonic()
        for process in list(self._processes):
            try:
                if process.back in ends:
                    process.receive()
                elif process.in_flight and now - process.heard_s > SILENCE_S_MAX:
                    raise TimeoutError(f"process {process.pid} is silent")
            except (OSError, EOFError):
                self._bury(process)
        self._assign()

    def _bury(self, process: _Process) -> None:
        """Give a process up; what it held is verified again, by another one or, the second time, by the writer."""
        self._processes.remove(process)
        process.end(kill=True)
        for part in reversed(process.in_flight):
            if not part.tried:
                part.tried = True
                self._waiting.appendleft(part)
        if self._count and self._replacements:
            self._replacements -= 1
            self._start()


def _compile_hashes() -> None:
    try:
        hashing.compile_()
    except hashing.DifferentHashesError:
        # The readable form stays, which is slower and right; the engine says so (`EmbeddedLedger.findings`).
        return


def _enlarge(end: int) -> None:
    """Let a pipe hold a few slices (Linux); where that is refused, it only takes more turns to fill."""
    try:
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:
        return
