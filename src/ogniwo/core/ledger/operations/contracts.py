"""E-contracts: proposed, signed by each party with its own key, ended, and closed month by month.

Texts and names stay off the log: an operation holds the salted commitment of the terms and the SHA-256 of the PDF. What
a machine has to reckon stands on it in integers, as obligations between opaque accounts.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

from ogniwo.core.ledger.intervals import Channel, EpochSeconds
from ogniwo.core.ledger.operations.frame import AccountPath, AssetName, Count, Digest, Operation, Part, Word

PARTIES_MAX = 16
OBLIGATIONS_MAX = 16

MonthWord = Annotated[str, Meta(pattern=r"\A[12][0-9]{3}-(0[1-9]|1[0-2])\Z")]
PriceScale = Annotated[int, Meta(ge=0, le=6)]
InstalmentCount = Annotated[int, Meta(ge=1, le=1_200)]
Seconds = Annotated[int, Meta(ge=0, le=2 * 366 * 86_400)]


class Party(Part, frozen=True, kw_only=True, gc=False):
    """Who takes part, and as what; the role "consumer" has the right to withdraw after signing."""

    account: AccountPath
    role: Word


class _Owed(Part, frozen=True, kw_only=True, gc=False, tag_field="kind"):
    """What every obligation has: `payer` owes `taker`, in minor units of `asset`, which is never metering."""

    asset: AssetName
    payer: AccountPath
    taker: AccountPath


class Supply(_Owed, frozen=True, kw_only=True, gc=False, tag="supply"):
    """Energy at a price: the minted days of `point` and `channel` that begin within contract and period.

    `price` is in minor units per MWh times 10^`price_scale`.
    """

    channel: Channel
    point: AccountPath
    price: Count
    price_scale: PriceScale


class DiscountByHour(_Owed, frozen=True, kw_only=True, gc=False, tag="discount_by_hour"):
    """A rate on the energy of agreed hours, per MWh as in Supply.

    The day tokens do not show hours: the energy comes as a measured figure with the commitment of its calculation, and
    never exceeds what was minted for the period.
    """

    channel: Channel
    point: AccountPath
    price: Count
    price_scale: PriceScale


class StorageRent(_Owed, frozen=True, kw_only=True, gc=False, tag="storage_rent"):
    """A fixed amount for each month in which the contract has a day."""

    amount: Count


class Instalment(_Owed, frozen=True, kw_only=True, gc=False, tag="instalment"):
    """`total` in `count` monthly instalments from the month `first` on; the last one carries what rounding left."""

    count: InstalmentCount
    first: MonthWord
    total: Count


class Charging(_Owed, frozen=True, kw_only=True, gc=False, tag="charging"):
    """Charging of a month: a measured amount with the commitment of the list of chargings, at most `limit`."""

    limit: Count


Obligation: TypeAlias = Supply | DiscountByHour | StorageRent | Instalment | Charging


class ProposeContract(Operation, frozen=True, kw_only=True, gc=False, tag="propose_contract"):
    """Put a contract before its parties; the name of this transaction is the contract's.

    `terms` is SHA-256(salt || canonical JSON of the terms), `document` the SHA-256 of the PDF of the same terms. It
    runs from `valid_from` up to but not including `valid_to` (0 = open). Who has not signed by `sign_until` can no
    longer. `notice_s` is the notice one party gives alone; within `withdraw_s` of the last signature a consumer may
    withdraw. `replaces` names a contract that this one amends, or is empty.
    """

    document: Digest
    notice_s: Seconds
    obligations: Annotated[tuple[Obligation, ...], Meta(max_length=OBLIGATIONS_MAX)]
    parties: Annotated[tuple[Party, ...], Meta(min_length=2, max_length=PARTIES_MAX)]
    replaces: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    sign_until: EpochSeconds
    template: Word
    terms: Digest
    valid_from: EpochSeconds
    valid_to: EpochSeconds
    withdraw_s: Seconds


class SignContract(Operation, frozen=True, kw_only=True, gc=False, tag="sign_contract"):
    """A party's signature: the envelope of this operation, over the terms and the document it has seen."""

    contract: Digest
    document: Digest
    terms: Digest


class WithdrawContract(Operation, frozen=True, kw_only=True, gc=False, tag="withdraw_contract"):
    """Take a proposal back or decline it; or, as a consumer within the agreed time, withdraw from the contract."""

    contract: Digest


class TerminateContract(Operation, frozen=True, kw_only=True, gc=False, tag="terminate_contract"):
    """End a contract at `ends`: one party with notice, all parties together at once."""

    contract: Digest
    ends: EpochSeconds


class Measured(Part, frozen=True, kw_only=True, gc=False):
    """A figure that the ledger does not hold: Wh of a discount, minor units of charging.

    `obligation` counts from 0; `commitment` is the salted one of the calculation.
    """

    commitment: Digest
    obligation: Annotated[int, Meta(ge=0, le=OBLIGATIONS_MAX - 1)]
    quantity: Count


class CloseContractPeriod(Operation, frozen=True, kw_only=True, gc=False, tag="close_contract_period"):
    """Reckon a past month: amounts come from the machine, as pending transfers or, for claims, as debts."""

    contract: Digest
    measured: Annotated[tuple[Measured, ...], Meta(max_length=OBLIGATIONS_MAX)]
    period: MonthWord
