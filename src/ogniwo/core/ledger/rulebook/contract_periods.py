"""Closing a month of an e-contract: the machine reckons every obligation once and books what is owed.

A payment becomes a pending transfer as far as the payer's balance covers it; the rest stands as a shortfall that the
next closing of the same month takes up. A claim becomes a debt.
"""

from hashlib import sha256
from typing import NamedTuple

import msgspec

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.contract_amounts import days_of, energy_amount, instalment_amount, month_number, period_end
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.contracts import found
from ogniwo.core.ledger.rulebook.holds import available, open_hold
from ogniwo.core.ledger.rulebook.permissions import demand
from ogniwo.core.ledger.state_records import ContractPeriod, EContract
from ogniwo.core.ledger.transactions import (
    Charging,
    CloseContractPeriod,
    DiscountByHour,
    Instalment,
    Measured,
    Obligation,
    StorageRent,
    Supply,
)

HOLD_S = 90 * 86_400
"""How long what a month came to waits to be settled or disputed."""

HOLDS_MAX = 32
"""In how many parts one month of one obligation may be covered; the last part has to cover the rest."""


class _Due(NamedTuple):
    """What an obligation comes to: minor units, and the figure it was reckoned from."""

    amount: int
    quantity: int
    evidence: str = ""


def close_contract_period(call: Call, payload: CloseContractPeriod) -> None:
    """Reckon what a past month of a contract brings, once for each obligation, and take up shortfalls of it.

    Obligations that need a measured figure wait until one is given. Refuses when there is nothing left to do.
    """
    contract = found(call, payload.contract)
    if not contract.signed or contract.withdrawn:
        raise refused(Code.CONTRACT_STATE, f"the contract is {contract.status(call.time)}: there is nothing to close")
    _may_close(call, contract)
    if call.time < period_end(payload.period):
        raise refused(Code.PERIOD_NOT_OVER, f"{payload.period} is over at {period_end(payload.period)}")
    figures = _figures(call, contract, payload)
    days = days_of(payload.period, valid_from=contract.valid_from, ends=contract.ends(), pauses=contract.pauses)
    # What is owed by the month is owed once in the month of an amendment: under the contract that it began with.
    taken_over = bool(contract.replaces) and days[:1] != (f"{payload.period}-01",)
    closed = 0
    with call.state.all_or_nothing():
        for index, obligation in enumerate(contract.obligations):
            if taken_over and isinstance(obligation, (StorageRent, Instalment)):
                continue
            closed += _close(call, payload, obligation, index, days, figures.get(index))
        if not closed:
            raise refused(Code.PERIOD_CLOSED, f"nothing of {payload.period} is left to close")


def _may_close(call: Call, contract: EContract) -> None:
    """A party, or somebody who may close for everybody who pays."""
    if contract.party(call.account) is None:
        for payer in sorted({obligation.payer for obligation in contract.obligations}):
            demand(call, "contract.close", payer)


def _figures(call: Call, contract: EContract, payload: CloseContractPeriod) -> dict[int, Measured]:
    """The measured figures by obligation; each comes from the payer, or from somebody trusted to close for him."""
    found_figures: dict[int, Measured] = {}
    for figure in payload.measured:
        index = figure.obligation
        if index >= len(contract.obligations) or index in found_figures:
            raise refused(Code.MEASURED_FIGURE, f"obligation {index} is not in the contract, or measured twice")
        obligation = contract.obligations[index]
        if not isinstance(obligation, (DiscountByHour, Charging)):
            raise refused(Code.MEASURED_FIGURE, f"obligation {index} is reckoned without a measured figure")
        if (payload.contract, str(index), payload.period) in call.state.contract_periods:
            raise refused(Code.PERIOD_CLOSED, f"obligation {index} is closed for {payload.period}")
        if obligation.payer not in call.givers:
            demand(call, "contract.close", obligation.payer)
        found_figures[index] = figure
    return found_figures


def _close(
    call: Call,
    payload: CloseContractPeriod,
    obligation: Obligation,
    index: int,
    days: tuple[str, ...],
    figure: Measured | None,
) -> bool:
    """Close one obligation, or take up its shortfall; whether anything was done."""
    key = (payload.contract, str(index), payload.period)
    table = call.state.contract_periods
    before = table.get(key)
    if before is None:
        due = _due(call, obligation, payload.period, days, figure) if days else None
        if due is None:
            return False
        if due.amount > INTEGER_LIMIT:
            raise refused(Code.AMOUNT_OUT_OF_RANGE, f"obligation {index} comes to more than 2^53 - 1")
        before = ContractPeriod(
            amount=due.amount,
            evidence=due.evidence,
            holds=(),
            posted=0,
            quantity=due.quantity,
            shortfall=due.amount,
            transaction=call.name,
        )
        table.put(key, before)
    elif not before.shortfall:
        return False
    return _book(call, obligation, key, before) or before.transaction == call.name


def _due(
    call: Call, obligation: Obligation, period: str, days: tuple[str, ...], figure: Measured | None
) -> _Due | None:
    """What is owed for a month with these days, or None when nothing falls due or a figure is awaited."""
    if isinstance(obligation, (DiscountByHour, Charging)):
        return None if figure is None else _measured(call, obligation, days, figure)
    if isinstance(obligation, Supply):
        wh = _minted_wh(call, obligation, days)
        return _Due(energy_amount(wh=wh, price=obligation.price, price_scale=obligation.price_scale), wh)
    if isinstance(obligation, Instalment):
        number = month_number(period) - month_number(obligation.first) + 1
        if not 1 <= number <= obligation.count:
            return None
        return _Due(instalment_amount(total=obligation.total, count=obligation.count, number=number), number)
    return _Due(obligation.amount, 1)


def _measured(call: Call, obligation: DiscountByHour | Charging, days: tuple[str, ...], figure: Measured) -> _Due:
    """What a figure comes to, within what the contract and the minted days allow."""
    quantity = figure.quantity
    if isinstance(obligation, Charging):
        if quantity > obligation.limit:
            raise refused(Code.MEASURED_FIGURE, f"charging of {quantity} exceeds {obligation.limit} a month")
        return _Due(quantity, quantity, figure.commitment)
    if quantity > _minted_wh(call, obligation, days):
        raise refused(Code.MEASURED_FIGURE, "the energy of some hours exceeds what was minted for the days")
    amount = energy_amount(wh=quantity, price=obligation.price, price_scale=obligation.price_scale)
    return _Due(amount, quantity, figure.commitment)


def _minted_wh(call: Call, obligation: Supply | DiscountByHour, days: tuple[str, ...]) -> int:
    """The minted energy of the days; each of them must be on the ledger, for what is missing is not zero."""
    total = 0
    for day in days:
        minted = call.state.minted.get((obligation.point, day, obligation.channel))
        if minted is None:
            raise refused(Code.DAYS_MISSING, f"{obligation.point} {obligation.channel} {day} is not minted yet")
        total += minted.total_wh
    return total


def _book(call: Call, obligation: Obligation, key: tuple[str, str, str], record: ContractPeriod) -> bool:
    """Book what is open of a month; whether anything could be."""
    asset = call.state.assets[obligation.asset]
    if not record.shortfall:
        return False
    if asset.kind == "claim":
        _charge(call, obligation, record.shortfall, transferable=asset.transferable)
        held, covered = record.holds, record.shortfall
    else:
        covered = min(available(call.state, obligation.payer, obligation.asset, call.time), record.shortfall)
        if not covered or (len(record.holds) >= HOLDS_MAX - 1 and covered < record.shortfall):
            return False
        held = (*record.holds, _reserve(call, obligation, key, covered))
    call.state.contract_periods.put(
        key,
        msgspec.structs.replace(
            record, holds=held, posted=record.posted + covered, shortfall=record.shortfall - covered
        ),
    )
    return True


def contract_hold(name: str, obligation: int | str) -> str:
    """The name (hex) of the hold that a closing of this name opens for an obligation, counted from 0."""
    return sha256(f"{name}/contract/{obligation}".encode()).hexdigest()


def _reserve(call: Call, obligation: Obligation, key: tuple[str, str, str], amount: int) -> str:
    """Hold an amount at the payer: his signature under the contract is his consent."""
    own = call._replace(name=contract_hold(call.name, key[1]))
    return open_hold(
        own,
        giver=obligation.payer,
        taker=obligation.taker,
        asset=obligation.asset,
        amount=amount,
        until=call.time + HOLD_S,
        cause=key[0],
        reason=str(type(obligation).__struct_config__.tag),
    )


def _charge(call: Call, obligation: Obligation, amount: int, *, transferable: bool) -> None:
    """Post a debt: on the payer's signature under the contract where claims pass hands, else by claim.post."""
    payer, taker, name = obligation.payer, obligation.taker, obligation.asset
    if not transferable:
        demand(call, "claim.post", payer)
    amounts = {(payer, name): -amount, (taker, name): amount}
    for place, change in amounts.items():
        if abs(call.state.balances.get(place, 0) + change) > INTEGER_LIMIT:
            raise refused(Code.AMOUNT_OUT_OF_RANGE, f"the balance of {place[0]} would pass 2^53 - 1")
    call.state.move(amounts)


RULES: RuleBook = {CloseContractPeriod: close_contract_period}
