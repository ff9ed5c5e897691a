"""A member's devices: the key each has on the ledger, how a first, a further and a recovered one comes to be.

Private keys stay on the devices. The first key is registered by the operator as registrar, a further one by a device
that the member has; who has lost all recovers: two people of the office agree, 72 hours pass, and meanwhile the member
sees it and can stop it. The names of devices are kept here, not on the ledger.
"""

from dataclasses import dataclass

import msgspec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction, verify_signatures
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.rulebook.recovery import FINISH_S
from ogniwo.core.ledger.signing import KeyRing, PublicKey, add_signature, key_id, load_public_key
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import (
    RegisterAccount,
    RegisterKey,
    RevokeKey,
    StartRecovery,
)
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import OPERATOR_KEY, NoLedgerError, frame, key_store, member_path, signed, submit
from ogniwo.services.ledger.payments import member_of
from ogniwo.services.ledger.sending import WAIT_S
from ogniwo.services.ledger.viewing import view_ledger, wait_for_ledger
from ogniwo.services.ledger.wallets import account_of, last_uses
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

NAME_MAX = 40
REQUEST_S = 24 * 3_600
"""How long a request of a new device may be answered; what it signed says so itself."""

REQUESTS_MAX = 5
"""How many devices of one member may wait at once."""

_ON_LEDGER = "wallet"
_NAME = "device_name"
REQUEST = "device_request"
"""The kind of a kept request: natural id is the key's id, payload the envelope that the new key signed."""


class DeviceKeyError(Refusal):
    """What came is no P-256 public key, or not the registration that was offered, signed by the new key alone."""

    code = "wallet.key"


class NotFirstError(Refusal):
    """The account had a key before: another device of the member registers a further one, or he recovers."""

    code = "wallet.not_first"


class NoDeviceError(Refusal):
    """There is no such device of this member."""

    code = "wallet.no_device"


class TooManyRequestsError(Refusal):
    """More devices wait already than one member sets up; turn some away, or wait until they expire."""

    code = "wallet.too_many_devices"


class NoRequestError(Refusal):
    """There is no such request of a device, or it has expired."""

    code = "wallet.no_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A key of the member's with its name here; times are seconds since 1970 (block time), 0 for never.

    `standing` is "works", "revoked" or "frozen". `limits` are (asset, at once, per day, used today), in minor units.
    """

    kid: str
    name: str
    purpose: str
    standing: str
    since_s: int
    revoked_s: int
    last_use_s: int
    limits: tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """A new device that waits: for another device of the member ("further"), or for the office ("recover")."""

    kid: str
    name: str
    way: str
    member: str
    until_s: int
    envelope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A recovery on its way: it can be finished from `due_s` until `ends_s`, and be stopped until it is."""

    kid: str
    name: str
    due_s: int
    ends_s: int
    ripe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """A member's devices, requests and recovery; `way` is what a new device has to go: first, further or recover."""

    account: str
    way: str
    listed: tuple[Device, ...]
    requests: tuple[DeviceRequest, ...]
    waiting: Waiting | None


def devices_of(workspace: Workspace, *, subject: Subject) -> Devices:
    """The devices of the member that a subject is. Raises NoLedgerError."""
    account = account_of(subject)
    now = int(workspace.now().timestamp())
    with view_ledger(workspace) as (ledger, tables):
        used = last_uses(ledger, tables, account)
        with ledger.reading() as state:
            kids = state.keys.grouped(account)
            names = _device_names(kids)
            listed = [_device(state, kid, names, used.get(kid, 0), now) for kid in kids]
            waiting = _waiting(state, account, now)
            way = _way(state, account)
    known = {one.kid for one in listed}
    requests = [one for one in requests_of(workspace, subject=subject) if one.kid not in known]
    return Devices(
        account=account,
        way=way,
        listed=tuple(sorted(listed, key=lambda one: (one.standing != "works", -one.since_s, one.kid))),
        requests=tuple(one for one in requests if waiting is None or one.kid != waiting.kid),
        waiting=waiting,
    )


def recovery_of(workspace: Workspace, *, subject: Subject) -> Waiting | None:
    """A recovery of the member's account that is on its way; None without one, and where there is no ledger."""
    account = account_of(subject)
    now = int(workspace.now().timestamp())
    try:
        with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
            return _waiting(state, account, now)
    except NoLedgerError:
        return None


def _waiting(state: State, account: str, now: int) -> Waiting | None:
    pending = state.recoveries.get(account)
    if pending is None or now >= pending.due + FINISH_S:
        return None
    kid = key_id(pending.key)
    return Waiting(
        kid=kid,
        name=_device_names((kid,)).get(kid, ""),
        due_s=pending.due,
        ends_s=pending.due + FINISH_S,
        ripe=now >= pending.due,
    )


def _way(state: State, account: str) -> str:
    records = [state.keys[kid] for kid in state.keys.grouped(account) if state.keys[kid].purpose == "transaction"]
    if not records:
        return "first"
    return "further" if any(not record.revoked for record in records) else "recover"


def _device(state: State, kid: str, names: dict[str, str], used_s: int, now: int) -> Device:
    record, limits = state.keys[kid], state.key_limits.get(kid)
    standing = "revoked" if record.revoked else "frozen" if record.account in state.frozen else "works"
    rows = []
    for limit in limits.limits if limits else ():
        use = state.key_uses.get((kid, limit.asset))
        rows.append(
            (limit.asset, limit.per_transfer, limit.per_day, use.used if use and use.day == now // 86_400 else 0)
        )
    return Device(
        kid=kid,
        name=names.get(kid, record.device),
        purpose=record.purpose,
        standing=standing,
        since_s=record.valid_from,
        revoked_s=record.revoked,
        last_use_s=used_s,
        limits=tuple(rows),
    )


def _device_names(kids: tuple[str, ...]) -> dict[str, str]:
    return dict(Commitment.objects.filter(kind=_NAME, natural_id__in=kids).values_list("natural_id", "payload"))


def _keep_name(kid: str, name: str) -> None:
    clean = " ".join(name.split())[:NAME_MAX]
    Commitment.objects.update_or_create(
        kind=_NAME, natural_id=kid, defaults={"payload": clean, "salt": "", "commitment": "", "transaction_id": ""}
    )


def offered_payload(workspace: Workspace, *, subject: Subject, key: dict[str, str], way: str) -> bytes:
    """What a new device is to sign, canonical JSON: its registration, or the beginning of a recovery.

    `way` is "first", "further" or "recover" (`Devices.way`). Raises DeviceKeyError or NotFirstError.
    """
    public = _public(key)
    account = account_of(subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
        actual = _way(state, account)
    if way != actual and (way, actual) != ("recover", "further"):
        raise NotFirstError(detail=f"this account asks for the way {actual!r}")
    actor = account if way == "further" else operator
    general = frame(workspace, account=actor)
    if way != "first":
        general["expires"] = int(workspace.now().timestamp()) + REQUEST_S
    if way == "recover":
        return encode(StartRecovery(**general, device=_ON_LEDGER, key=public, subject=account))
    return encode(
        RegisterKey(**general, device=_ON_LEDGER, key=public, purpose="transaction", subject=account, valid_from=0)
    )


def _public(key: dict[str, str]) -> PublicKey:
    try:
        public = msgspec.convert(key, PublicKey)
    except msgspec.ValidationError as error:
        raise DeviceKeyError(detail=f"not a public key of P-256: {error}") from error
    load_public_key(public)
    return public


def _signed_by_new_key(envelope: bytes) -> SignedTransaction:
    """The transaction, which carries a key and is signed by that key alone; raises DeviceKeyError."""
    opened = open_transaction(envelope)
    payload = opened.payload
    if not isinstance(payload, RegisterKey | StartRecovery) or opened.signers != (key_id(payload.key),):
        raise DeviceKeyError(detail="the new key alone signs its registration")
    if verify_signatures(opened, KeyRing([payload.key])).open_checks:
        raise DeviceKeyError(detail="the signature could not be checked")
    return opened


def enrol_first(workspace: Workspace, *, subject: Subject, envelope: bytes, name: str) -> str:
    """Register a member's first device: its key signed, the operator signs as registrar. Gives the key's id.

    Opens the member's account where it is missing. Safe to repeat. Raises DeviceKeyError, NotFirstError, LockedError.
    """
    opened = _signed_by_new_key(envelope)
    payload, member = opened.payload, member_of(subject.member_number, subject=subject)
    account = member_path(member)
    operator_key = key_store(workspace).signing_key(OPERATOR_KEY)
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
            missing, way = account not in state.accounts, _way(state, account)
            kid = opened.signers[0]
            there = state.keys.get(kid)
        if not isinstance(payload, RegisterKey) or not _as_offered(workspace, payload, operator, account):
            raise DeviceKeyError(detail="this is not the registration that was offered")
        if there is not None and there.account == account:
            return kid
        if way != "first":
            raise NotFirstError(detail="another device of yours registers a further one")
        envelopes = [add_signature(envelope, operator_key)]
        if missing:
            opening = RegisterAccount(**frame(workspace, account=operator), kind="member", path=account)
            envelopes.insert(0, signed(opening, operator_key))
        submit(ledger, envelopes)
    _keep_name(kid, name)
    record_act(workspace, action="device.first", target=member.number, facts={"key": kid})
    return kid


def _as_offered(workspace: Workspace, payload: RegisterKey, actor: str, account: str) -> bool:
    """Whether a registration says what `offered_payload` says: the operator's key is put under nothing else."""
    return (
        payload.account,
        payload.subject,
        payload.network,
        payload.purpose,
        payload.device,
        payload.valid_from,
        payload.reason,
        payload.references,
    ) == (actor, account, workspace.network, "transaction", _ON_LEDGER, 0, "", ())


def keep_request(workspace: Workspace, *, subject: Subject, envelope: bytes, name: str) -> str:
    """Keep what a new device signed until another device, or the office, answers it; gives the key's id."""
    opened = _signed_by_new_key(envelope)
    payload, account = opened.payload, account_of(subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
    fits = (
        _as_offered(workspace, payload, account, account)
        if isinstance(payload, RegisterKey)
        else isinstance(payload, StartRecovery)
        and (payload.account, payload.subject, payload.network, payload.device, payload.reason, payload.references)
        == (operator, account, workspace.network, _ON_LEDGER, "", ())
    )
    if not fits:
        raise DeviceKeyError(detail="this is not the registration that was offered")
    kid = opened.signers[0]
    others = [one for one in requests_of(workspace, subject=subject) if one.kid != kid]
    if len(others) >= REQUESTS_MAX:
        raise TooManyRequestsError(detail=f"{len(others)} devices wait to be let in; at most {REQUESTS_MAX} may")
    _keep_name(kid, name)
    Commitment.objects.update_or_create(
        kind=REQUEST,
        natural_id=kid,
        defaults={
            "payload": envelope.decode(),
            "salt": "",
            "commitment": opened.transaction,
            "transaction_id": "",
        },
    )
    record_act(workspace, action="device.asked", target=subject.member_number, facts={"key": kid})
    return kid


def requests_of(workspace: Workspace, *, subject: Subject) -> tuple[DeviceRequest, ...]:
    """The devices that wait, of the members that a subject may see."""
    accounts = {
        member_path(one): one.number for one in Member.objects.all().visible_to(subject).select_related("organisation")
    }
    now = int(workspace.now().timestamp())
    found = []
    for row in Commitment.objects.filter(kind=REQUEST, transaction_id=""):
        payload = open_transaction(row.payload.encode()).payload
        if not isinstance(payload, RegisterKey | StartRecovery) or payload.subject not in accounts:
            continue
        if payload.expires > now:
            found.append(
                DeviceRequest(
                    kid=row.natural_id,
                    name=_device_names((row.natural_id,)).get(row.natural_id, ""),
                    way="recover" if isinstance(payload, StartRecovery) else "further",
                    member=accounts[payload.subject],
                    until_s=payload.expires,
                    envelope=row.payload,
                )
            )
    return tuple(sorted(found, key=lambda one: (one.until_s, one.kid)))


def request_of(workspace: Workspace, *, subject: Subject, kid: str) -> DeviceRequest:
    """One request; raises NoRequestError."""
    for one in requests_of(workspace, subject=subject):
        if one.kid == kid:
            return one
    raise NoRequestError(detail="this device does not ask any more; begin again on it")


def drop_request(workspace: Workspace, *, subject: Subject, kid: str) -> None:
    """Turn a waiting device away; raises NoRequestError."""
    found = request_of(workspace, subject=subject, kid=kid)
    Commitment.objects.filter(kind=REQUEST, natural_id=kid).delete()
    record_act(workspace, action="device.turned_away", target=found.member, facts={"key": kid})


def revoke_device(workspace: Workspace, *, subject: Subject, kid: str) -> None:
    """End a key of a member by the office, or by the member himself when he is signed in without a key at hand.

    Only ever takes away: whoever got into a member's account can end his keys, not use them. Raises NoDeviceError.
    """
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        operator, record = _operator_and_key(ledger, kid)
        accounts = {
            member_path(one): one.number
            for one in Member.objects.all().visible_to(subject).select_related("organisation")
        }
        if record is None or record[0] not in accounts:
            raise NoDeviceError(detail="there is no such device")
        if not record[1]:
            payload = RevokeKey(**frame(workspace, account=operator, reason="lost"), kid=kid)
            submit(ledger, [signed(payload, key_store(workspace).signing_key(OPERATOR_KEY))])
            record_act(workspace, action="device.revoked", target=accounts[record[0]], facts={"key": kid})


def _operator_and_key(ledger: EmbeddedLedger, kid: str) -> tuple[str, tuple[str, int] | None]:
    with ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
        record = state.keys.get(kid)
        return operator, None if record is None else (record.account, record.revoked)
