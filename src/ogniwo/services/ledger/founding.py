"""Found the ledger of a workspace and open accounts for whoever joined since; safe to repeat."""

from typing import get_args

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.keystore import KeyStore
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction, verify_signatures
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.signing import KeyRing, add_signature, key_id, public_key_of
from ogniwo.core.ledger.transactions import (
    AccountKind,
    BindRole,
    DefineAsset,
    DefineRole,
    Genesis,
    Permission,
    RegisterAccount,
    RegisterKey,
    Role,
)
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.ledger.access import (
    CHECKPOINT_KEY,
    GATEWAY_KEY,
    OPERATOR_KEY,
    READING_KEY,
    frame,
    key_store,
    member_path,
    open_ledger,
    organisation_path,
    point_path,
    signed,
    submit,
)
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

METERING_ASSETS = {
    IMPORT: "KWH-IN/3",
    EXPORT: "KWH-OUT/3",
    IMPORT_NETTED: "KWH-IN-NET/3",
    EXPORT_NETTED: "KWH-OUT-NET/3",
}
"""The metering token minted for each channel; one unit is one Wh."""

CLAIM_ASSET = "DUE/2"
"""Who owes whom, in grosze; a debt, not a means of payment."""

AUDITOR_PERMISSIONS: tuple[Permission, ...] = ("read.subtree",)
AUDITOR_ROLE = "auditor"
"""Bound over the whole tree, it opens every block to an auditor's own node."""

_ALL: tuple[Permission, ...] = get_args(Permission)
_ROLES = (
    Role(name="operator", permissions=_ALL),
    Role(name="gateway", permissions=("metering.mint", "metering.sign")),
    Role(name=AUDITOR_ROLE, permissions=AUDITOR_PERMISSIONS),
)


def ensure_ledger(workspace: Workspace, ledger: EmbeddedLedger, *, community: Organisation) -> None:
    """Found the ledger if it has no block, then open what is missing for this community."""
    store = key_store(workspace)
    root = community
    while root.parent is not None:
        root = root.parent
    operator = organisation_path(root)
    if ledger.head().height < 0:
        submit(ledger, [_genesis(workspace, store, operator)])
    _ensure_community(workspace, ledger, store, operator=operator, community=community)


def _p256(store: KeyStore, name: str) -> ec.EllipticCurvePrivateKey:
    if name not in store.names():
        store.create(name)
    return store.signing_key(name)


def _genesis(workspace: Workspace, store: KeyStore, operator: str) -> bytes:
    if CHECKPOINT_KEY not in store.names():
        store.create(CHECKPOINT_KEY, kind="ed25519")
    operator_key = _p256(store, OPERATOR_KEY)
    payload = Genesis(
        **frame(workspace, account=operator),
        checkpoint_key=verifier_key(workspace.network, store.checkpoint_key(CHECKPOINT_KEY)).text(),
        key=public_key_of(operator_key),
        operator_role="operator",
        roles=_ROLES,
    )
    return signed(payload, operator_key)


def _ensure_community(
    workspace: Workspace, ledger: EmbeddedLedger, store: KeyStore, *, operator: str, community: Organisation
) -> None:
    """Accounts of the community, its members, points and gateway; the gateway's keys and role; the assets."""
    path = organisation_path(community)
    operator_key, gateway_key = _p256(store, OPERATOR_KEY), _p256(store, GATEWAY_KEY)
    reading_key = _p256(store, READING_KEY)
    with ledger.reading() as state:
        accounts, keys, assets = set(state.accounts), set(state.keys), set(state.assets)
        bound = bool(state.bindings.grouped(f"{path}/gateway"))
    wanted: list[tuple[str, AccountKind]] = [
        (path, "partner"),
        (f"{path}/supply", "control"),
        (f"{path}/gateway", "gateway"),
        *((member_path(member), "member") for member in Member.objects.filter(organisation=community)),
        *((point_path(point), "meter") for point in MeteringPoint.objects.filter(organisation=community)),
    ]
    envelopes = [
        signed(RegisterAccount(**frame(workspace, account=operator), kind=kind, path=name), operator_key)
        for name, kind in wanted
        if name not in accounts
    ]
    for key, purpose in ((gateway_key, "transaction"), (reading_key, "reading")):
        if key_id(public_key_of(key)) not in keys:
            payload = RegisterKey(
                **frame(workspace, account=operator),
                device="gateway",
                key=public_key_of(key),
                purpose="reading" if purpose == "reading" else "transaction",
                subject=f"{path}/gateway",
                valid_from=0,
            )
            envelopes.append(signed(payload, operator_key, key))
    if not bound:
        binding = BindRole(
            **frame(workspace, account=operator),
            role="gateway",
            subject=f"{path}/gateway",
            subtree=path,
            valid_from=0,
            valid_to=0,
        )
        envelopes.append(signed(binding, operator_key))
    envelopes.extend(
        signed(
            DefineAsset(
                **frame(workspace, account=operator),
                asset=asset,
                channels=(channel,) if channel else (),
                domain=operator,
                issuer=f"{path}/supply",
                kind="metering" if channel else "claim",
                transferable=False,
            ),
            operator_key,
        )
        for channel, asset in ((*METERING_ASSETS.items(), ("", CLAIM_ASSET)))
        if asset not in assets
    )
    if envelopes:
        submit(ledger, envelopes)


class BadReaderRequestError(Refusal):
    """A reader's request is not one: another operation or network, an account that exists, or not signed by its key."""

    code = "ledger.reader_request"


def admit_reader(workspace: Workspace, *, request: bytes) -> str:
    """Open the account that a request (`following.create_follower`) asks for, register its key, let it read everything.

    The request carries the new key's own signature; the operator's is added here. Gives the account. Safe to repeat.
    Raises BadReaderRequestError or LedgerRefusedError.
    """
    opened = open_transaction(request)
    payload = opened.payload
    if not isinstance(payload, RegisterKey) or payload.network != workspace.network:
        raise BadReaderRequestError(detail=f"the request registers no key on {workspace.network}")
    if key_id(payload.key) not in opened.signers or verify_signatures(opened, KeyRing([payload.key])).open_checks:
        raise BadReaderRequestError(detail="the request is not signed by the key it asks for, and by it alone")
    key = key_store(workspace).signing_key(OPERATOR_KEY)
    account = payload.subject
    with open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
            missing, fresh = account not in state.accounts, key_id(payload.key) not in state.keys
            bound = (account, AUDITOR_ROLE, operator) in state.bindings
            defined = state.permissions_of(AUDITOR_ROLE) is not None
        if fresh and not missing:
            # Signing such a request would give the requester whatever that account may do, were it the operator's own.
            raise BadReaderRequestError(detail=f"{account} is open already; a reader gets an account of its own")
        envelopes = []
        if not defined:  # a ledger founded before there was this role
            role = DefineRole(**frame(workspace, account=operator), name=AUDITOR_ROLE, permissions=AUDITOR_PERMISSIONS)
            envelopes.append(signed(role, key))
        if missing:
            opening = RegisterAccount(**frame(workspace, account=operator), kind="partner", path=account)
            envelopes.append(signed(opening, key))
        if fresh:
            envelopes.append(add_signature(request, key))
        if not bound:
            binding = BindRole(
                **frame(workspace, account=operator, reason="audit"),
                role=AUDITOR_ROLE,
                subject=account,
                subtree=operator,
                valid_from=0,
                valid_to=0,
            )
            envelopes.append(signed(binding, key))
        submit(ledger, envelopes)
    record_act(workspace, action="ledger.admit_reader", target=account, facts={"key": key_id(payload.key)})
    return account
