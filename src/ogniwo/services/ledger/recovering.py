"""The way back for a member who lost all his keys: two people agree, 72 hours pass, limits are low at first."""

import hashlib
from dataclasses import dataclass

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.rulebook.recovery import FINISH_S
from ogniwo.core.ledger.signing import add_signature, key_id, public_key_of
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import (
    BindRole,
    DefineRole,
    FinishRecovery,
    KeyLimit,
    Payload,
    Permission,
    RegisterAccount,
    RegisterKey,
    SetKeyLimits,
    StopRecovery,
)
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    frame,
    key_store,
    member_path,
    organisation_path,
    signed,
    submit,
)
from ogniwo.services.ledger.devices import REQUEST, DeviceRequest, NoDeviceError, NoRequestError, request_of
from ogniwo.services.ledger.payments import PAYMENT_ASSET
from ogniwo.services.ledger.sending import WAIT_S
from ogniwo.services.ledger.viewing import view_ledger, wait_for_ledger
from ogniwo.services.ledger.wallets import account_of
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

FIRST_LIMITS = KeyLimit(asset=PAYMENT_ASSET, per_transfer=10_000, per_day=20_000)
"""What a recovered key may give until the office lifts it: grosze at once, and per UTC day."""

OFFICE_ROLE = "office"
_RIGHTS: tuple[Permission, ...] = ("key.recover",)
_AGREED = "device_agreement"
_PEOPLE = 2


class SamePersonError(Refusal):
    """The second agreement to a recovery has to come from another person than the first."""

    code = "wallet.same_person"


def agreed(kid: str) -> tuple[str, ...]:
    """Who has agreed to the recovery of a key so far: their logins."""
    rows = Commitment.objects.filter(kind=_AGREED, natural_id__startswith=f"{kid}/")
    return tuple(rows.values_list("payload", flat=True))


def agree(workspace: Workspace, *, subject: Subject, kid: str, login: str) -> bool:
    """One person of the office agrees that a member's new device is his; the second agreement begins the recovery.

    The installation holds the keys of both offices (the operator's, and the community's for recoveries): that two
    people agreed is what this function sees to, and the log names them. Gives whether the recovery has begun. Raises
    NoRequestError, SamePersonError, LockedError, LedgerRefusedError.
    """
    request = request_of(workspace, subject=subject, kid=kid)
    if request.way != "recover":
        raise NoRequestError(detail="this device asks another device of its member, not the office")
    if login in agreed(kid):
        raise SamePersonError(detail="you have agreed already; another person of the office has to agree too")
    place = f"{kid}/{hashlib.sha256(login.encode()).hexdigest()[:16]}"
    Commitment.objects.create(kind=_AGREED, natural_id=place, payload=login, salt="", commitment="", transaction_id="")
    record_act(workspace, action="device.recovery_agreed", target=request.member, facts={"key": kid}, subject=login)
    if len(agreed(kid)) < _PEOPLE:
        return False
    try:
        _begin(workspace, request, community=_community_of(request, subject))
    except Refusal:
        # The agreement is given again when the ledger takes it.
        Commitment.objects.filter(kind=_AGREED, natural_id=place).delete()
        raise
    return True


def _community_of(request: DeviceRequest, subject: Subject) -> Organisation:
    member = Member.objects.all().visible_to(subject).filter(number=request.member).select_related("organisation")
    return member.get().organisation


def _begin(workspace: Workspace, request: DeviceRequest, *, community: Organisation) -> None:
    store = key_store(workspace)
    operator_key = store.signing_key(OPERATOR_KEY)
    name = f"office-{community.code}"
    if name not in store.names():
        store.create(name)
    office_key = store.signing_key(name)
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        setting_up = _office(workspace, ledger, community=community, kid=key_id(public_key_of(office_key)))
        if setting_up:
            both, one_alone = (operator_key, office_key), (operator_key,)
            keys = [both if isinstance(one, RegisterKey) else one_alone for one in setting_up]
            submit(ledger, [signed(one, *by) for one, by in zip(setting_up, keys, strict=True)])
        envelope = add_signature(add_signature(request.envelope.encode(), operator_key), office_key)
        (transaction,) = submit(ledger, [envelope])
    Commitment.objects.filter(kind=REQUEST, natural_id=request.kid).update(transaction_id=transaction)
    record_act(workspace, action="device.recovery_began", target=request.member, facts={"key": request.kid})


def _office(workspace: Workspace, ledger: EmbeddedLedger, *, community: Organisation, kid: str) -> list[Payload]:
    """What is missing of the second office: its account below the community, its key, its role over the members."""
    path = organisation_path(community)
    account = f"{path}/{OFFICE_ROLE}"
    with ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
        missing = _missing(state, account, path, kid)
    general = {part: frame(workspace, account=operator) for part in missing}
    made: dict[str, Payload] = {}
    if "account" in missing:
        made["account"] = RegisterAccount(**general["account"], kind="control", path=account)
    if "key" in missing:
        public = public_key_of(key_store(workspace).signing_key(f"office-{community.code}"))
        made["key"] = RegisterKey(
            **general["key"], device="office", key=public, purpose="transaction", subject=account, valid_from=0
        )
    if "role" in missing:
        made["role"] = DefineRole(**general["role"], name=OFFICE_ROLE, permissions=_RIGHTS)
    if "binding" in missing:
        made["binding"] = BindRole(
            **general["binding"], role=OFFICE_ROLE, subject=account, subtree=path, valid_from=0, valid_to=0
        )
    return list(made.values())


def _missing(state: State, account: str, path: str, kid: str) -> tuple[str, ...]:
    found = (
        ("account", account in state.accounts),
        ("key", kid in state.keys),
        ("role", state.permissions_of(OFFICE_ROLE) is not None),
        ("binding", (account, OFFICE_ROLE, path) in state.bindings),
    )
    return tuple(part for part, there in found if not there)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecovery:
    """A recovery that waits: whose, the key's id, from when it may be finished and until when (seconds since 1970)."""

    member: str
    name: str
    kid: str
    due_s: int
    ends_s: int


def recoveries_of(workspace: Workspace, *, subject: Subject) -> tuple[MemberRecovery, ...]:
    """The recoveries that wait, of the members that a subject may see, the next to be finished first."""
    members = {member_path(one): one for one in Member.objects.all().visible_to(subject).select_related("organisation")}
    now = int(workspace.now().timestamp())
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        found = [
            MemberRecovery(
                member=members[account].number,
                name=members[account].name,
                kid=key_id(one.key),
                due_s=one.due,
                ends_s=one.due + FINISH_S,
            )
            for account, one in state.recoveries.items()
            if account in members and now < one.due + FINISH_S
        ]
    return tuple(sorted(found, key=lambda one: (one.due_s, one.member)))


def finish_recovery(workspace: Workspace, *, subject: Subject) -> str:
    """After the wait: the new key counts within FIRST_LIMITS, the old ones end; refused by the ledger before its time.

    Gives the key's id. Raises NoDeviceError where no recovery waits, LockedError, LedgerRefusedError.
    """
    account = account_of(subject)
    key = key_store(workspace).signing_key(OPERATOR_KEY)
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
            pending = state.recoveries.get(account)
            limited = PAYMENT_ASSET in state.assets
        if pending is None:
            raise NoDeviceError(detail="no recovery waits")
        kid = key_id(pending.key)
        submit(ledger, [signed(FinishRecovery(**frame(workspace, account=operator), subject=account), key)])
        if limited:
            limits = SetKeyLimits(**frame(workspace, account=operator), kid=kid, limits=(FIRST_LIMITS,))
            submit(ledger, [signed(limits, key)])
    record_act(workspace, action="device.recovered", target=subject.member_number, facts={"key": kid})
    return kid


def lift_limits(workspace: Workspace, *, subject: Subject, kid: str) -> None:
    """The office takes the limits off a member's key; raises NoDeviceError, LockedError, LedgerRefusedError."""
    account = account_of(subject)
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
            record = state.keys.get(kid)
        if record is None or record.account != account:
            raise NoDeviceError(detail="there is no such device")
        payload = SetKeyLimits(**frame(workspace, account=operator), kid=kid, limits=())
        submit(ledger, [signed(payload, key_store(workspace).signing_key(OPERATOR_KEY))])
    record_act(workspace, action="device.limits_lifted", target=subject.member_number, facts={"key": kid})


def stop_recovery(workspace: Workspace, *, subject: Subject) -> None:
    """Stop the recovery of a member in the name of the office that began it: asked by him, or by the office."""
    account = account_of(subject)
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
        payload = StopRecovery(**frame(workspace, account=operator), subject=account)
        submit(ledger, [signed(payload, key_store(workspace).signing_key(OPERATOR_KEY))])
    record_act(workspace, action="device.recovery_stopped", target=subject.member_number, facts={})
