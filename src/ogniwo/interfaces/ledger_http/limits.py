"""What one server takes: sizes, times and numbers, all bounded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes, seconds and counts; whatever is beyond them is refused or closed."""

    envelope_bytes: int = 65_536
    batch_bytes: int = 8_000_000
    batch_transactions: int = 1_000
    bodies_bytes: int = 64_000_000
    header_bytes: int = 16_384
    request_s: float = 10.0
    answer_s: float = 30.0
    idle_s: float = 30.0
    connections: int = 1_000
    pipelined: int = 16
    reads_waiting: int = 64
