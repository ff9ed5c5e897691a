"""Rules of accounts, keys, roles and assets. Each checks all, then changes the state."""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused, turned_away
from ogniwo.core.ledger.rulebook.keys import demand_strength
from ogniwo.core.ledger.rulebook.permissions import (
    demand,
    keep_an_administrator,
    may_give,
    outranks,
    within,
    working_keys,
)
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Account, Asset, Binding, Foundation, KeyRecord, Switch
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
    state.accounts.put(operator, Account(kind="operator", opened=block_time))
    state.keys.put(
        key_id(payload.key),
        KeyRecord(
            account=operator, device="genesis", key=payload.key, purpose="transaction", revoked=0, valid_from=block_time
        ),
    )
    binding = Binding(role=payload.operator_role, subject=operator, subtree=operator, valid_from=block_time, valid_to=0)
    state.bindings.put(binding.key, binding)


def register_account(call: Call, payload: RegisterAccount) -> None:
    """Open an account below an existing one, by whoever may register accounts there."""
    state, block_time = call.state, call.time
    if payload.path in state.accounts:
        raise refused(Code.ACCOUNT_EXISTS, f"{payload.path} exists")
    parent = payload.path.rpartition("/")[0]
    if parent not in state.accounts:
        raise refused(Code.UNKNOWN_PARENT, f"{payload.path} has no parent account {parent!r}")
    demand(call, "account.register", payload.path)
    state.accounts.put(payload.path, Account(kind=payload.kind, opened=block_time))


def register_key(call: Call, payload: RegisterKey) -> None:
    """Give an account a key: the account itself, or a registrar who outranks it.

    A registrar gives an account its first key for transactions by "key.register". An account that ever had one takes
    its further keys itself, with a key that is not limited or with two; when it has lost all, the way is recovery,
    which its member sees and can stop. A key for readings may be replaced by "key.recover".
    """
    state, block_time = call.state, call.time
    kid, subject = key_id(payload.key), payload.subject
    if subject not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{subject} is not open")
    if kid in state.keys:
        raise refused(Code.KEY_EXISTS, f"key {kid} is registered already")
    if kid not in call.signers:
        raise refused(Code.KEY_NOT_PROVEN, f"key {kid} did not sign its own registration")
    if subject == payload.account:
        if payload.purpose != "reading":
            demand_strength(call, subject, "a further key")
    else:
        _register_for_another(call, payload)
    state.keys.put(
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


def _register_for_another(call: Call, payload: RegisterKey) -> None:
    state, subject = call.state, payload.subject
    owned = [state.keys[other] for other in state.keys.grouped(subject)]
    if payload.purpose == "recovery":
        raise refused(Code.NOT_PERMITTED, f"only {subject} itself chooses its key for recovery")
    if payload.purpose == "transaction" and any(record.purpose == "transaction" for record in owned):
        raise refused(Code.RECOVERY_NEEDED, f"{subject} has had a key: it registers further ones itself, or recovers")
    working = any(record.purpose == payload.purpose and not record.revoked for record in owned)
    permission: Permission = "key.recover" if working else "key.register"
    demand(call, permission, subject)
    if not outranks(state, actor=payload.account, subject=subject, block_time=call.time):
        raise refused(Code.BEYOND_OWN_RIGHTS, f"{subject} holds rights that {payload.account} does not")


def revoke_key(call: Call, payload: RevokeKey) -> None:
    """End a key: its own account, or a registrar who outranks it.

    The operator keeps at least one key, and so does the last administrator. A key for recovery is ended by its own
    account alone, so that nobody can take away the last way to stop a recovery.
    """
    state, block_time = call.state, call.time
    record = state.keys.get(payload.kid)
    if record is None or record.revoked:
        raise refused(Code.KEY_NOT_ACTIVE, f"key {payload.kid} is not registered or revoked already")
    if record.account == payload.account:
        if record.purpose == "recovery":
            demand_strength(call, record.account, "ending a key for recovery")
    elif record.purpose == "recovery":
        raise refused(Code.NOT_PERMITTED, f"only {record.account} itself ends its key for recovery")
    else:
        demand(call, "key.revoke", record.account)
        if not outranks(state, actor=payload.account, subject=record.account, block_time=block_time):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{record.account} holds rights that {payload.account} does not")
    if state.foundation and record.account == state.foundation.operator and record.purpose == "transaction":
        others = [state.keys[kid] for kid in state.keys.grouped(record.account) if kid != payload.kid]
        if not any(other.purpose == "transaction" and other.active(block_time) for other in others):
            raise refused(Code.LAST_KEY, "the operator would be left without a key")
    if working_keys(state, record.account, block_time) == (payload.kid,):
        keep_an_administrator(call, account=record.account)
    state.keys.put(
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


def bind_role(call: Call, payload: BindRole) -> None:
    """Bind a role over a subtree for a time; the giver holds all of it himself."""
    state, block_time = call.state, call.time
    if state.permissions_of(payload.role) is None:
        raise refused(Code.UNKNOWN_ROLE, f"role {payload.role} is not defined")
    for path in (payload.subject, payload.subtree):
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
    if payload.valid_to and payload.valid_to <= max(payload.valid_from, block_time):
        raise refused(Code.EMPTY_PERIOD, "the binding would end before it begins")
    if (payload.subject, payload.role, payload.subtree) in state.bindings:
        raise refused(Code.ALREADY_BOUND, f"{payload.subject} has {payload.role} over {payload.subtree} already")
    binding = Binding(
        role=payload.role,
        subject=payload.subject,
        subtree=payload.subtree,
        valid_from=max(payload.valid_from, block_time),
        valid_to=payload.valid_to,
    )
    _may_bind(call, binding)
    state.bindings.put(binding.key, binding)


def unbind_role(call: Call, payload: UnbindRole) -> None:
    """Take a role binding away; one may not take away more than one could give."""
    state = call.state
    binding = state.bindings.get((payload.subject, payload.role, payload.subtree))
    if binding is None:
        raise refused(Code.NOT_BOUND, f"{payload.subject} does not have {payload.role} over {payload.subtree}")
    if payload.subject != payload.account:
        _may_bind(call, binding)
    keep_an_administrator(call, binding=binding.key)
    state.bindings.drop(binding.key)


def define_asset(call: Call, payload: DefineAsset) -> None:
    """Define an asset with an issuing control account inside its domain."""
    state = call.state
    if payload.asset in state.assets:
        raise refused(Code.ASSET_EXISTS, f"{payload.asset} is defined already")
    issuer = state.accounts.get(payload.issuer)
    if issuer is None or payload.domain not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{payload.issuer} or {payload.domain} is not open")
    demand(call, "asset.define", payload.domain)
    problem = _asset_policy(state, payload, issuer)
    if problem:
        raise refused(Code.ASSET_POLICY, problem)
    state.assets.put(
        payload.asset,
        Asset(
            channels=payload.channels,
            domain=payload.domain,
            issuer=payload.issuer,
            kind=payload.kind,
            transferable=payload.transferable,
        ),
    )
    if payload.kind == "payment" and state.foundation and _knows_switches(state.foundation):
        state.switches.put(
            payload.asset, Switch(active=False, basis="", notice="", since=call.time, transaction=call.name)
        )


def _knows_switches(foundation: Foundation) -> bool:
    """Whether payments begin switched off: so on every network whose genesis says who may switch them on.

    Networks from before have no such role; their payment assets stay as they were until they are switched.
    """
    return any("payments.switch" in permissions for permissions in foundation.roles.values())


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


def _may_bind(call: Call, binding: Binding) -> None:
    demand(call, "role.bind", binding.subtree)
    if not may_give(call.state, giver=call.account, binding=binding, block_time=call.time):
        raise refused(
            Code.BEYOND_OWN_RIGHTS, f"{call.account} does not hold all of {binding.role} over {binding.subtree}"
        )


RULES: RuleBook = {
    RegisterAccount: register_account,
    RegisterKey: register_key,
    RevokeKey: revoke_key,
    BindRole: bind_role,
    UnbindRole: unbind_role,
    DefineAsset: define_asset,
}
