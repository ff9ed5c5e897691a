"""V20: do the operator's own figures of a community add up, interval by interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.runs import runs_of


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CommunityAccount:
    """What the operator says of a community; integers of any one unit.

    Shapes: `start_epoch_s` (slots,) on one raster; `metered`, `share`, `covered` (consumers, slots) int64; `generated`,
    `surplus` (producers, slots) int64; `consumer_present` and `producer_present` likewise, bool: whether the member's
    figures exist. Values where a member has none are not read.
    """

    community: str
    slot_s: int
    start_epoch_s: NDArray[np.int64]
    consumers: tuple[str, ...]
    producers: tuple[str, ...]
    metered: NDArray[np.int64]
    share: NDArray[np.int64]
    covered: NDArray[np.int64]
    consumer_present: NDArray[np.bool_]
    generated: NDArray[np.int64]
    surplus: NDArray[np.int64]
    producer_present: NDArray[np.bool_]

    def __post_init__(self) -> None:
        slots = len(self.start_epoch_s)
        for rows, arrays in (
            (len(self.consumers), (self.metered, self.share, self.covered, self.consumer_present)),
            (len(self.producers), (self.generated, self.surplus, self.producer_present)),
        ):
            if any(array.shape != (rows, slots) for array in arrays):
                raise ValueError("the figures of a community differ in shape")


def check_community_balance(account: CommunityAccount, *, tolerance: int) -> tuple[Finding, ...]:
    """V20: covered = min(share, metered); sum of shares = generation; generation - covered = surplus.

    `tolerance` is by how much one printed figure may be off (its last digit), in the unit of the figures; a sum of n
    figures may be off by n times as much, because each was rounded on its own. The first identity is reported for
    each member and run of intervals, the sums for each interval with a signed difference:

    * `V20.covered`: a member's covered energy is not the smaller of his share and his metered energy;
    * `V20.share_sum`: difference = generation - sum of shares;
    * `V20.surplus`: difference = generation - covered - surplus; positive when the operator allotted energy to
      somebody whose figures are not there.
    """
    share = np.where(account.consumer_present, account.share, 0).sum(axis=0)
    covered = np.where(account.consumer_present, account.covered, 0).sum(axis=0)
    generated = np.where(account.producer_present, account.generated, 0).sum(axis=0)
    surplus = np.where(account.producer_present, account.surplus, 0).sum(axis=0)
    consumers = account.consumer_present.sum(axis=0)
    producers = account.producer_present.sum(axis=0)
    return (
        *_covered_findings(account, tolerance=tolerance),
        *_sum_findings(
            account, "V20.share_sum", generated - share, tolerance * (consumers + producers), generated, share=share
        ),
        *_sum_findings(
            account,
            "V20.surplus",
            generated - covered - surplus,
            tolerance * (consumers + 2 * producers),
            generated,
            covered=covered,
            surplus=surplus,
        ),
    )


def _covered_findings(account: CommunityAccount, *, tolerance: int) -> list[Finding]:
    difference = account.covered - np.minimum(account.share, account.metered)
    wrong = account.consumer_present & (np.abs(difference) > tolerance)
    findings: list[Finding] = []
    for row in np.flatnonzero(wrong.any(axis=1)).tolist():
        for first, last in runs_of(wrong[row]):
            largest = int(difference[row, first:last][np.argmax(np.abs(difference[row, first:last]))])
            findings.append(
                Finding(
                    code="V20.covered",
                    severity=Severity.ERROR,
                    message=f"{last - first} intervals: covered energy is not the smaller of share and metered energy",
                    point=account.consumers[row],
                    start_epoch_s=int(account.start_epoch_s[first]),
                    end_epoch_s=int(account.start_epoch_s[last - 1]) + account.slot_s,
                    facts=(
                        ("community", account.community),
                        ("intervals", str(last - first)),
                        ("largest_difference", str(largest)),
                    ),
                )
            )
    return findings


def _sum_findings(
    account: CommunityAccount,
    code: str,
    difference: NDArray[np.int64],
    allowed: NDArray[np.int64],
    generated: NDArray[np.int64],
    **sums: NDArray[np.int64],
) -> list[Finding]:
    return [
        Finding(
            code=code,
            severity=Severity.ERROR,
            message=f"generation exceeds {' and '.join(sums)} by {int(difference[slot])}",
            start_epoch_s=int(account.start_epoch_s[slot]),
            end_epoch_s=int(account.start_epoch_s[slot]) + account.slot_s,
            facts=(
                ("community", account.community),
                ("generated", str(int(generated[slot]))),
                *((name, str(int(values[slot]))) for name, values in sums.items()),
                ("difference", str(int(difference[slot]))),
                ("allowed", str(int(allowed[slot]))),
            ),
        )
        for slot in np.flatnonzero(np.abs(difference) > allowed).tolist()
    ]
