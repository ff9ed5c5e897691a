"""Do any operation of the ledger by hand: frame it, sign it with keys of the workspace, put it on the ledger."""

from typing import Any

import msgspec

from ogniwo.chain.inbox import Answer
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.rulebook.quorum import DANGEROUS
from ogniwo.core.ledger.signing import key_id, public_key_of, sign
from ogniwo.core.ledger.transactions import (
    FORMAT_VERSION,
    Genesis,
    Group,
    Payload,
    Permission,
    Propose,
    SetPolicy,
    Voice,
)
from ogniwo.services.ledger.access import LIFETIME_S, NoLedgerError, frame, has_ledger, key_store, open_ledger
from ogniwo.services.workspace.model import Workspace

PROPOSAL_S = 24 * 3_600
"""How long a proposal is open when its file does not say until when."""

_FRAME = ("account", "expires", "id", "network", "v")
_PAYLOAD = msgspec.json.Decoder(Payload)


class OperationFileError(Refusal):
    """A file with an operation is not JSON, or not an operation that can be done by hand."""

    code = "ledger.operation_file"


def create_key(workspace: Workspace, *, name: str) -> str:
    """Make a P-256 key in the workspace's folder of keys and give its id; it still has to be registered."""
    key_store(workspace).create(name)
    return key_id(public_key_of(key_store(workspace).signing_key(name)))


def do_operation(workspace: Workspace, *, document: bytes, key_names: tuple[str, ...]) -> Answer:
    """Do what a document says, signed by these keys of the workspace.

    The document is a JSON object with `op` and the operation's own fields. The frame is filled in: `account` is the
    account of the first key, `expires` an hour ahead, `id` random, `reason` and `references` empty, unless given. Where
    `key` or `kid` is the name of a key of the workspace, that key is put there. In a proposal, `until` may be left out.
    """
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    store = key_store(workspace)
    keys = [store.signing_key(name) for name in key_names]
    if not keys:
        raise OperationFileError(detail="at least one key signs")
    with open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            owner = state.keys.get(key_id(public_key_of(keys[0])))
        payload = _payload(workspace, document, account=owner.account if owner else "")
        (answer,) = ledger.submit([sign(encode(payload), keys=keys)])
    return answer


def set_quorums(
    workspace: Workspace, *, accounts: tuple[str, ...], need: int, vetoes: tuple[str, ...], key_names: tuple[str, ...]
) -> list[tuple[Permission, Answer]]:
    """Put every dangerous right over the whole tree under a quorum: `need` of these accounts, each one voice.

    Rights that have a policy are left alone. The one on "policy.set" comes last; it needs the voices of all the others
    and is proposed when the keys at hand do not suffice.
    """
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    keys = [key_store(workspace).signing_key(name) for name in key_names]
    tree = Group(members=tuple(Voice(account=each, weight=1) for each in accounts), need=need, weight=1)
    answers: list[tuple[Permission, Answer]] = []
    with open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            root = state.foundation.operator if state.foundation else ""
            owner = state.keys.get(key_id(public_key_of(keys[0]))) if keys else None
            missing = [right for right in DANGEROUS if (right, root) not in state.policies]
        actor = owner.account if owner else root
        for right in sorted(missing, key=lambda right: right == "policy.set"):
            payload = SetPolicy(
                **frame(workspace, account=actor),
                lifetime_s=7 * PROPOSAL_S,
                permission=right,
                policy=tree,
                subtree=root,
                veto_accounts=vetoes,
            )
            (answer,) = ledger.submit([sign(encode(payload), keys=keys)])
            if answer.code == "ledger.quorum_needed":
                fresh = frame(workspace, account=actor)
                payload = msgspec.structs.replace(payload, id=fresh["id"], expires=fresh["expires"])
                until = fresh["expires"] - LIFETIME_S + PROPOSAL_S
                (answer,) = ledger.submit([sign(encode(Propose(**fresh, operation=payload, until=until)), keys=keys)])
            answers.append((right, answer))
    return answers


def _payload(workspace: Workspace, document: bytes, *, account: str) -> Payload:
    try:
        fields = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OperationFileError(detail=f"the file is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise OperationFileError(detail="an operation is a JSON object with `op` and its fields")
    filled = {**frame(workspace, account=account), "v": FORMAT_VERSION} | _named_keys(workspace, fields)
    if filled.get("op") == "propose":
        now = int(workspace.now().timestamp())
        inner = filled.get("operation")
        if not isinstance(inner, dict):
            raise OperationFileError(detail="a proposal has an operation")
        common = {name: filled[name] for name in _FRAME}
        inner = {"reason": "", "references": []} | _named_keys(workspace, inner) | common
        filled = {"until": now + PROPOSAL_S} | filled | {"operation": inner}
    try:
        payload: Payload = _PAYLOAD.decode(msgspec.json.encode(filled, order="sorted"))
    except msgspec.ValidationError as error:
        raise OperationFileError(detail=str(error)) from error
    if isinstance(payload, Genesis):
        raise OperationFileError(detail="a ledger is founded once, by `ogniwo ledger post`")
    return payload


def _named_keys(workspace: Workspace, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with keys of the workspace in place of their names."""
    store = key_store(workspace)
    names = set(store.names())
    found = dict(fields)
    for field in ("key", "kid"):
        if isinstance(found.get(field), str) and found[field] in names:
            public = public_key_of(store.signing_key(found[field]))
            found[field] = key_id(public) if field == "kid" else msgspec.to_builtins(public)
    return found
