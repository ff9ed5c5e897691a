"""The yardstick of the ledger: P-256 verifications per second by `cryptography` alone, on two processors."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PROCESSORS = 2
KEYS = 50
MESSAGE = b"m" * 500
ALGORITHM = ec.ECDSA(SHA256())

Work = list[tuple[ec.EllipticCurvePublicKey, bytes]]


def work() -> Work:
    """Keys with one signature each."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(KEYS)]
    return [(key.public_key(), key.sign(MESSAGE, ALGORITHM)) for key in keys]


def verify(given: Work, count: int) -> None:
    for number in range(count):
        public, signature = given[number % KEYS]
        public.verify(signature, MESSAGE, ALGORITHM)


def in_threads_per_s(count: int) -> float:
    """Verifications per wall second by threads of one process."""
    given = work()
    threads = [threading.Thread(target=verify, args=(given, count)) for _ in range(PROCESSORS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return PROCESSORS * count / (time.perf_counter() - start)


@contextmanager
def _process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def in_processes_per_s(count: int) -> float:
    """Verifications per wall second by processes that begin together."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process()) for _ in range(PROCESSORS)]
        start = time.perf_counter()
        for process in processes:
            print(count, file=process.stdin, flush=True)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
        return PROCESSORS * count / (time.perf_counter() - start)


def verified_per_s(count: int) -> float:
    """The better of both ways, each verifying `count` signatures on each processor."""
    return max(in_threads_per_s(count), in_processes_per_s(count))


def processor_s(count: int) -> float:
    """Processor seconds of one verification: what holds on a machine that is busy with other things too."""
    given = work()
    start = time.thread_time()
    verify(given, count)
    return (time.thread_time() - start) / count


def main() -> None:
    """Be one of the processes."""
    given = work()
    print("ready", flush=True)
    for line in sys.stdin:
        verify(given, int(line))
        print("done", flush=True)


if __name__ == "__main__":
    main()
