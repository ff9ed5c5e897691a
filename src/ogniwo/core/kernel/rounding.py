"""The rounding rules of the product, each with a name, and the exact split by largest remainder."""

from collections.abc import Sequence


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide and round to the nearest integer, halves away from zero (the arithmetic rule of Polish invoices)."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def split_largest_remainder(*, total: int, weights: Sequence[int], ids: Sequence[str]) -> tuple[int, ...]:
    """Split `total` in proportion to `weights`: floor every share, missing units to the largest remainders.

    Ties go to the smaller id, so the order of the arguments does not matter. The parts sum to `total` exactly.
    Weights are non-negative; when all are zero the total must be zero too. A negative total is split as its mirror.
    """
    if len(weights) != len(ids):
        raise ValueError("weights and ids must have the same length")
    if len(set(ids)) != len(ids):
        raise ValueError("ids must be unique")
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    if total < 0:
        return tuple(-part for part in split_largest_remainder(total=-total, weights=weights, ids=ids))
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError("cannot split a non-zero total by zero weights")
        return (0,) * len(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(ids)), key=lambda index: (-remainders[index], ids[index]))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)
