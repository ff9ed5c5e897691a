"""Recovery: two people give a member a new key after a time in which the member sees it and can stop it."""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.permissions import demand, holds_by_role, outranks
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state_records import KeyRecord, Recovery
from ogniwo.core.ledger.transactions import FinishRecovery, StartRecovery, StopRecovery

WAIT_S = 72 * 3_600
"""How long a recovery waits, in block time."""

FINISH_S = 30 * 86_400
"""How long after the wait it may be finished; later it is void."""


def start_recovery(call: Call, payload: StartRecovery) -> None:
    """Begin a recovery: by an account with "key.recover" that outranks the subject, and a second person's key.

    The second key is the subject's own for recovery, or one of another account that holds "key.recover" there. Both
    hold it by a role: who lends it to a second account of his own is not two people by that.
    """
    state, subject = call.state, payload.subject
    kid = key_id(payload.key)
    if subject not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{subject} is not open")
    if subject == call.account:
        raise refused(Code.NOT_PERMITTED, f"{subject} has a key and registers another itself")
    if kid in state.keys:
        raise refused(Code.KEY_EXISTS, f"key {kid} is registered already")
    if kid not in call.signers:
        raise refused(Code.KEY_NOT_PROVEN, f"key {kid} did not sign its own recovery")
    pending = state.recoveries.get(subject)
    if pending is not None and call.time < pending.due + FINISH_S:
        raise refused(Code.RECOVERY_PENDING, f"a recovery of {subject} waits until {pending.due}")
    demand(call, "key.recover", subject)
    if not holds_by_role(state, account=call.account, permission="key.recover", path=subject, valid_from=call.time):
        raise refused(Code.NOT_PERMITTED, f"{call.account} has only borrowed key.recover over {subject}")
    if not outranks(state, actor=call.account, subject=subject, block_time=call.time):
        raise refused(Code.BEYOND_OWN_RIGHTS, f"{subject} holds rights that {call.account} does not")
    second = _second(call, subject)
    if not second:
        raise refused(Code.SECOND_KEY_NEEDED, f"nobody besides {call.account} signed for the recovery of {subject}")
    state.recoveries.put(
        subject,
        Recovery(by=call.account, device=payload.device, due=call.time + WAIT_S, key=payload.key, second=second),
    )


def _second(call: Call, subject: str) -> str:
    state = call.state
    for kid in sorted(call.signers):
        record = state.keys.get(kid)
        if record is None or not record.active(call.time):
            continue
        if record.purpose == "recovery" and record.account == subject:
            return kid
        if record.purpose != "transaction" or record.account in (call.account, subject):
            continue
        if holds_by_role(state, account=record.account, permission="key.recover", path=subject, valid_from=call.time):
            return kid
    return ""


def stop_recovery(call: Call, payload: StopRecovery) -> None:
    """Stop a recovery: the account itself by any working key, or who began it."""
    pending = call.state.recoveries.get(payload.subject)
    if pending is None:
        raise refused(Code.NO_RECOVERY, f"no recovery of {payload.subject} waits")
    if call.account not in (payload.subject, pending.by):
        raise refused(Code.NOT_PERMITTED, f"{call.account} is neither {payload.subject} nor began this")
    call.state.recoveries.drop(payload.subject)


def finish_recovery(call: Call, payload: FinishRecovery) -> None:
    """Register the new key and end the old ones for transactions, after the wait; by who could begin it now."""
    state, subject, now = call.state, payload.subject, call.time
    pending = state.recoveries.get(subject)
    if pending is None or now >= pending.due + FINISH_S:
        raise refused(Code.NO_RECOVERY, f"no recovery of {subject} waits")
    if now < pending.due:
        raise refused(Code.RECOVERY_WAITS, f"the recovery of {subject} waits until {pending.due}")
    if not holds_by_role(state, account=call.account, permission="key.recover", path=subject, valid_from=now):
        raise refused(Code.NOT_PERMITTED, f"{call.account} does not hold key.recover over {subject}")
    if not outranks(state, actor=call.account, subject=subject, block_time=now):
        raise refused(Code.BEYOND_OWN_RIGHTS, f"{subject} holds rights that {call.account} does not")
    fresh = key_id(pending.key)
    if fresh in state.keys:
        raise refused(Code.KEY_EXISTS, f"key {fresh} is registered already")
    for kid in sorted(state.keys.grouped(subject)):
        record = state.keys[kid]
        if record.purpose == "transaction" and not record.revoked:
            state.keys.put(
                kid,
                KeyRecord(
                    account=subject,
                    device=record.device,
                    key=record.key,
                    purpose=record.purpose,
                    revoked=max(now, 1),
                    valid_from=record.valid_from,
                ),
            )
    state.keys.put(
        fresh,
        KeyRecord(
            account=subject, device=pending.device, key=pending.key, purpose="transaction", revoked=0, valid_from=now
        ),
    )
    state.recoveries.drop(subject)


RULES: RuleBook = {
    StartRecovery: start_recovery,
    StopRecovery: stop_recovery,
    FinishRecovery: finish_recovery,
}
