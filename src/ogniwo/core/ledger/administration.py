"""Rules of accounts, keys, roles and assets. Each checks all, then changes the state."""

from ogniwo.core.ledger.admission import SignedTransaction
from ogniwo.core.ledger.authority import holds, may_give, outranks, within
from ogniwo.core.ledger.outcomes import Code, refused, turned_away
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state import Account, Asset, Binding, Foundation, KeyRecord, State
from ogniwo.core.ledger.transactions import (
    BindRole,
    DefineAsset,
    Genesis,
    Permission,
    RegisterAccount,
    RegisterKey,
    RevokeKey,
    UnbindRole,
)


def found(state: State, payload: Genesis, block_time: int) -> None:
    """Found the network: the operator's account, its first key, the roles, and the operator's role over the tree."""
    roles = {role.name: role.permissions for role in payload.roles}
    if payload.operator_role not in roles or len(roles) < len(payload.roles):
        raise turned_away(
            Code.UNKNOWN_ROLE, f"{payload.operator_role} is not one of the roles, or a role is named twice"
        )
    operator = payload.account
    state.found(
        Foundation(checkpoint_key=payload.checkpoint_key, network=payload.network, operator=operator, roles=roles)
    )
    state.put_account(operator, Account(kind="operator", opened=block_time))
    state.put_key(
        key_id(payload.key),
        KeyRecord(
            account=operator, device="genesis", key=payload.key, purpose="transaction", revoked=0, valid_from=block_time
        ),
    )
    state.put_binding(
        Binding(role=payload.operator_role, subject=operator, subtree=operator, valid_from=block_time, valid_to=0)
    )


def register_account(state: State, payload: RegisterAccount, block_time: int) -> None:
    """Open an account below an existing one, by whoever may register accounts there."""
    if payload.path in state.accounts:
        raise refused(Code.ACCOUNT_EXISTS, f"{payload.path} exists")
    parent = payload.path.rpartition("/")[0]
    if parent not in state.accounts:
        raise refused(Code.UNKNOWN_PARENT, f"{payload.path} has no parent account {parent!r}")
    _demand(state, payload.account, "account.register", payload.path, block_time)
    state.put_account(payload.path, Account(kind=payload.kind, opened=block_time))


def register_key(state: State, signed: SignedTransaction, payload: RegisterKey, block_time: int) -> None:
    """Give an account a key: the account itself, or a registrar who outranks it.

    A registrar needs "key.register" for an account without a working key of that purpose, "key.recover" for one that
    has one, since that is taking an account over.
    """
    kid, subject = key_id(payload.key), payload.subject
    if subject not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{subject} is not open")
    if kid in state.keys:
        raise refused(Code.KEY_EXISTS, f"key {kid} is registered already")
    if kid not in signed.signers:
        raise refused(Code.KEY_NOT_PROVEN, f"key {kid} did not sign its own registration")
    if subject != payload.account:
        owned = [state.keys[other] for other in state.keys_of.get(subject, ())]
        working = any(record.purpose == payload.purpose and not record.revoked for record in owned)
        permission: Permission = "key.recover" if working else "key.register"
        _demand(state, payload.account, permission, subject, block_time)
        if not outranks(state, actor=payload.account, subject=subject, block_time=block_time):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{subject} holds rights that {payload.account} does not")
    state.put_key(
        kid,
        KeyRecord(
            account=subject,
            device=payload.device,
            key=payload.key,
            purpose=payload.purpose,
            revoked=0,
            valid_from=max(payload.valid_from, block_time),
        ),
    )


def revoke_key(state: State, payload: RevokeKey, block_time: int) -> None:
    """End a key: its own account, or a registrar who outranks it. The operator keeps at least one key."""
    record = state.keys.get(payload.kid)
    if record is None or record.revoked:
        raise refused(Code.KEY_NOT_ACTIVE, f"key {payload.kid} is not registered or revoked already")
    if record.account != payload.account:
        _demand(state, payload.account, "key.revoke", record.account, block_time)
        if not outranks(state, actor=payload.account, subject=record.account, block_time=block_time):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{record.account} holds rights that {payload.account} does not")
    if state.foundation and record.account == state.foundation.operator and record.purpose == "transaction":
        others = [state.keys[kid] for kid in state.keys_of[record.account] if kid != payload.kid]
        if not any(other.purpose == "transaction" and other.active(block_time) for other in others):
            raise refused(Code.LAST_KEY, "the operator would be left without a key")
    state.put_key(
        payload.kid,
        KeyRecord(
            account=record.account,
            device=record.device,
            key=record.key,
            purpose=record.purpose,
            revoked=max(block_time, 1),
            valid_from=record.valid_from,
        ),
    )


def bind_role(state: State, payload: BindRole, block_time: int) -> None:
    """Bind a role over a subtree for a time; the giver holds all of it himself."""
    if state.foundation is None or payload.role not in state.foundation.roles:
        raise refused(Code.UNKNOWN_ROLE, f"role {payload.role} is not defined")
    for path in (payload.subject, payload.subtree):
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
    if payload.valid_to and payload.valid_to <= max(payload.valid_from, block_time):
        raise refused(Code.EMPTY_PERIOD, "the binding would end before it begins")
    if (payload.role, payload.subtree) in state.bindings.get(payload.subject, {}):
        raise refused(Code.ALREADY_BOUND, f"{payload.subject} has {payload.role} over {payload.subtree} already")
    binding = Binding(
        role=payload.role,
        subject=payload.subject,
        subtree=payload.subtree,
        valid_from=max(payload.valid_from, block_time),
        valid_to=payload.valid_to,
    )
    _may_bind(state, payload.account, binding, block_time)
    state.put_binding(binding)


def unbind_role(state: State, payload: UnbindRole, block_time: int) -> None:
    """Take a role binding away; one may not take away more than one could give."""
    binding = state.bindings.get(payload.subject, {}).get((payload.role, payload.subtree))
    if binding is None:
        raise refused(Code.NOT_BOUND, f"{payload.subject} does not have {payload.role} over {payload.subtree}")
    if payload.subject != payload.account:
        _may_bind(state, payload.account, binding, block_time)
    state.remove_binding(binding)


def define_asset(state: State, payload: DefineAsset, block_time: int) -> None:
    """Define an asset with an issuing control account inside its domain."""
    if payload.asset in state.assets:
        raise refused(Code.ASSET_EXISTS, f"{payload.asset} is defined already")
    issuer = state.accounts.get(payload.issuer)
    if issuer is None or payload.domain not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{payload.issuer} or {payload.domain} is not open")
    _demand(state, payload.account, "asset.define", payload.domain, block_time)
    problem = _asset_policy(state, payload, issuer)
    if problem:
        raise refused(Code.ASSET_POLICY, problem)
    state.put_asset(
        payload.asset,
        Asset(
            channels=payload.channels,
            domain=payload.domain,
            issuer=payload.issuer,
            kind=payload.kind,
            transferable=payload.transferable,
        ),
    )


def _asset_policy(state: State, payload: DefineAsset, issuer: Account) -> str:
    if issuer.kind != "control" or not within(payload.issuer, payload.domain):
        return "the issuer is a control account inside the asset's domain"
    if payload.kind != "metering":
        return "only metering assets name channels" if payload.channels else ""
    if payload.transferable:
        return "metering tokens never move"
    if not payload.asset.endswith("/3"):
        return "metering tokens count Wh: their scale is 3"
    taken = {channel for asset in state.assets.values() if asset.domain == payload.domain for channel in asset.channels}
    if not payload.channels or len(set(payload.channels)) < len(payload.channels) or taken & set(payload.channels):
        return "a metering asset names its channels, each once and in one asset of the domain"
    return ""


def _may_bind(state: State, giver: str, binding: Binding, block_time: int) -> None:
    _demand(state, giver, "role.bind", binding.subtree, block_time)
    if not may_give(state, giver=giver, binding=binding, block_time=block_time):
        raise refused(Code.BEYOND_OWN_RIGHTS, f"{giver} does not hold all of {binding.role} over {binding.subtree}")


def _demand(state: State, account: str, permission: Permission, path: str, block_time: int) -> None:
    if not holds(state, account=account, permission=permission, path=path, valid_from=block_time):
        raise refused(Code.NOT_PERMITTED, f"{account} does not hold {permission} over {path}")
