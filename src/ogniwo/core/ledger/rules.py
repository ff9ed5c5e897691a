"""The state machine: one transaction in, one outcome out, always the same one."""

from collections.abc import Callable

from ogniwo.core.ledger.admission import SignedTransaction
from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import ACCEPTANCE, ACCEPTED, EXISTS, Code, Outcome, RuleError, refused, turned_away
from ogniwo.core.ledger.rulebook import (
    administration,
    assets,
    authority,
    contract_periods,
    contracts,
    holds,
    keys,
    marketing,
    minting,
    payments,
    postings,
    proposals,
    recovery,
)
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state import LIFETIME_S_MAX, Seen, State
from ogniwo.core.ledger.state_records import KeyRecord
from ogniwo.core.ledger.transactions import (
    FORMAT_VERSION,
    Batch,
    Genesis,
    MintMetering,
    Payload,
    Propose,
    ProposeContract,
    SignContract,
    StartRecovery,
    StopRecovery,
    carried_keys,
    named_parts,
)


def _no_log(_: int) -> bytes | None:
    return None


def apply(
    state: State, signed: SignedTransaction, *, block_time: int, logged: Callable[[int], bytes | None] = _no_log
) -> Outcome:
    """Apply a transaction to the state at a block time (seconds since 1970, UTC).

    Its signatures must have been verified (admission.py); one whose key is still open is turned away. `logged` gives
    the leaf hash of an earlier log entry. Either the
    outcome is accepted and the whole transaction took effect, or nothing changed but the memory of the client's id.
    The answer to an id is final: a refused transaction does not come to life later when, say, the balance suffices.
    """
    payload = signed.payload
    try:
        _frame(state, signed, block_time)
        _not_seen(state, signed)
        if isinstance(payload, Genesis):
            _genesis(state, signed, payload, block_time)
        else:
            givers = _signers(state, signed, block_time)
            call = Call(
                state,
                payload.account,
                signed.transaction,
                signed.signers,
                givers,
                givers,
                signed.readers,
                block_time,
                logged,
            )
            if state.key_limits and any(kid in state.key_limits for kid in signed.signers):
                # What a limited key used is noted while rules still check (keys.cover).
                with state.all_or_nothing():
                    _operate(call, payload)
            else:
                _operate(call, payload)
        outcome = ACCEPTANCE
    except RuleError as error:
        outcome = error.outcome
    if outcome.recorded:
        seen = Seen(signed.transaction, outcome.code)
        state.remember(account=payload.account, client_id=payload.id, expires=payload.expires, seen=seen)
    return outcome


def _operate(call: Call, payload: Payload) -> None:
    _RULES[type(payload)](call, payload)


def _batch(call: Call, payload: Batch) -> None:
    """Every part, or none: each by an account whose key signed, and in the frame of the whole."""
    with call.state.all_or_nothing():
        for number, (name, part) in enumerate(named_parts(payload, call.name)):
            try:
                _part_of(call, payload, part)
                _operate(call._replace(account=part.account, name=name), part)
            except RuleError as error:
                detail = f"part {number} ({type(part).__struct_config__.tag}): {error.outcome.detail}"
                raise RuleError(Outcome(error.outcome.code, detail)) from error


def _part_of(call: Call, payload: Batch, part: Payload) -> None:
    frame = (payload.v, payload.network, payload.id, payload.expires)
    if (part.v, part.network, part.id, part.expires) != frame:
        raise refused(Code.BATCH_PART, "version, network, id and expiry are those of the batch")
    if isinstance(part, MintMetering):
        raise refused(Code.BATCH_PART, "days of readings are minted outside of batches")
    if isinstance(part, (ProposeContract, SignContract)):
        raise refused(Code.BATCH_PART, "contracts are proposed and signed by themselves: each has a receipt of its own")
    if part.account not in call.givers:
        raise refused(Code.FOREIGN_KEY, f"no signature is by a key of {part.account}")


_RULES: RuleBook = {
    **administration.RULES,
    **authority.RULES,
    **keys.RULES,
    **minting.RULES,
    **postings.RULES,
    **proposals.book(_operate),
    **recovery.RULES,
    **holds.RULES,
    **payments.RULES,
    **assets.RULES,
    **marketing.RULES,
    **contracts.RULES,
    **contract_periods.RULES,
    Batch: _batch,
}


def _frame(state: State, signed: SignedTransaction, block_time: int) -> None:
    payload = signed.payload
    if payload.v != FORMAT_VERSION:
        raise turned_away(Code.UNSUPPORTED_VERSION, f"version {payload.v} of the format is not known here")
    if state.foundation is None:
        if not isinstance(payload, Genesis):
            raise turned_away(Code.NOT_FOUNDED, "the first transaction is genesis")
    elif payload.network != state.foundation.network:
        raise turned_away(Code.OTHER_NETWORK, f"this is {state.foundation.network}, not {payload.network}")
    if payload.expires <= block_time:
        raise turned_away(Code.EXPIRED, f"expired at {payload.expires}; the block is of {block_time}")
    if payload.expires - block_time > LIFETIME_S_MAX:
        raise turned_away(Code.EXPIRES_TOO_LATE, f"expires more than {LIFETIME_S_MAX} s ahead")


def _not_seen(state: State, signed: SignedTransaction) -> None:
    earlier = state.seen(signed.payload.account, signed.payload.id)
    if earlier is None:
        return
    if earlier.transaction != signed.transaction:
        raise turned_away(Code.ID_CONFLICT, f"the id {signed.payload.id} was used for {earlier.transaction}")
    if earlier.code == ACCEPTED:
        raise RuleError(Outcome(EXISTS, "accepted before", recorded=False, original=earlier.transaction))
    raise RuleError(Outcome(earlier.code, "refused before; the answer to an id is final", recorded=False))


def _genesis(state: State, signed: SignedTransaction, payload: Genesis, block_time: int) -> None:
    if state.foundation is not None:
        raise turned_away(Code.ALREADY_FOUNDED, "the network is founded")
    if signed.open_checks or signed.signers != (key_id(payload.key),):
        raise turned_away(Code.FOREIGN_KEY, "genesis is signed by exactly the key it names")
    administration.found(state, payload, block_time)


def _signers(state: State, signed: SignedTransaction, block_time: int) -> frozenset[str]:
    """The accounts whose keys signed; every signature counts and one of them is the acting account's."""
    payload = signed.payload
    if payload.account not in state.accounts:
        raise turned_away(Code.UNKNOWN_ACCOUNT, f"{payload.account} is not open")
    if signed.open_checks:
        raise turned_away(Code.UNKNOWN_KEY, f"key {signed.open_checks[0].kid} is not registered")
    givers = [account for kid in signed.signers if (account := _giver(state, kid, payload, block_time))]
    if payload.account not in givers:
        raise turned_away(Code.FOREIGN_KEY, f"no signature is by a key of {payload.account}")
    for reader in signed.readers:
        if reader not in state.keys:
            raise turned_away(Code.UNKNOWN_KEY, f"key {reader} is not registered")
    if state.frozen and not isinstance(payload, StopRecovery):
        for giver in givers:
            keys.demand_free_signer(state, giver)
    return frozenset(givers)


def _giver(state: State, kid: str, payload: Payload, block_time: int) -> str:
    """The account that a signature speaks for; "" for a key that only proves itself or stands under a recovery."""
    record = state.keys.get(kid)
    if record is None:
        if all(key_id(carried) != kid for carried in carried_keys(payload)):
            raise turned_away(Code.UNKNOWN_KEY, f"key {kid} is not registered")
        return ""
    if not record.active(block_time):
        raise turned_away(Code.KEY_NOT_ACTIVE, f"key {kid} is revoked or not valid yet")
    if record.purpose == "transaction":
        return record.account
    if not _recovers(record, payload):
        raise turned_away(Code.KEY_PURPOSE, f"key {kid} is for {record.purpose}, not for this")
    return record.account if isinstance(payload, StopRecovery) else ""


def _recovers(record: KeyRecord, payload: Payload) -> bool:
    """Whether a key for recovery may stand under this: the recovery of its own account, its beginning or its stop."""
    step = payload.operation if isinstance(payload, Propose) else payload
    if record.purpose != "recovery" or not isinstance(step, (StartRecovery, StopRecovery)):
        return False
    return step.subject == record.account
