"""What the organisations of a network decide together: its founding transactions, and who votes later on."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.keystore import KeyStore
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.network.genesis import FOUNDER_POWER, Card, CardError, read_card
from ogniwo.chain.network.home import ORGANISATION_KEY, NodeHome
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.operations.frame import Frame
from ogniwo.core.ledger.signing import add_signature, public_key_of, sign
from ogniwo.core.ledger.transactions import (
    Approve,
    BindRole,
    DefineRole,
    Genesis,
    Group,
    Payload,
    Permission,
    Propose,
    RegisterAccount,
    Role,
    SetPolicy,
    SetValidator,
    Voice,
)
from ogniwo.services.ledger.nodes import LedgerAnswerError

LIFETIME_S = 14 * 86_400
"""How long the founding transactions count, in seconds from the latest card, whose time is that of the genesis."""

VOTE_S = 7 * 86_400
"""How long a proposal waits for voices, seconds."""

_SUBMIT_S = 3_600
_OPERATOR_KEY = "operator"
_CHECKPOINT_KEY = "checkpoint"
_ALL: tuple[Permission, ...] = get_args(Permission)
_FOUNDER = "network-founder"
_FOUNDER_RIGHTS: tuple[Permission, ...] = ("validator.set",)
_PARTNER = "network-partner"
_PARTNER_RIGHTS: tuple[Permission, ...] = (
    "account.register",
    "anchor.write",
    "claim.post",
    "key.register",
    "key.revoke",
    "metering.mint",
    "metering.sign",
    "read.subtree",
    "role.bind",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal:
    """A change of validators that waits for voices; `until` seconds since 1970."""

    name: str
    proposer: str
    validator: str
    power: int
    answers_for_it: str
    approved_by: tuple[str, ...]
    until: int


def write_founding(*, folder: Path, cards: Sequence[Path]) -> bytes:
    """The founding transactions of a network, one envelope per line, signed with a new key of the ledger's operator.

    Each organisation gets an account below the operator's with the key of its card, rights over its own subtree, and
    its validator; from then on more than two thirds of the founders have to agree on who is a validator. The keys of
    the operator and of the checkpoints lie in `folder`/keys. Raises CardError, KeyFileExistsError.
    """
    given = sorted((read_card(path.read_bytes()) for path in cards), key=lambda card: card.organisation)
    places = {(card.member.network, card.member.account) for card in given}
    if len(places) != 1:
        raise CardError(detail="the cards are not made for one network and one operator")
    network, operator = places.pop()
    store = KeyStore(folder / "keys")
    store.create(_OPERATOR_KEY)
    store.create(_CHECKPOINT_KEY, kind="ed25519")
    key = store.signing_key(_OPERATOR_KEY)
    genesis = Genesis(
        **_frame(network, operator, _until(given)),
        checkpoint_key=verifier_key(network, store.checkpoint_key(_CHECKPOINT_KEY)).text(),
        key=public_key_of(key),
        operator_role="operator",
        roles=(Role(name="operator", permissions=_ALL),),
    )
    return b"\n".join([_signed(genesis, key), *constitution(given, key), b""])


def constitution(cards: Sequence[Card], key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """What makes the organisations of these cards founders, signed by the operator's key, to follow the genesis."""
    member = cards[0].member
    network, operator, until = member.network, member.account, _until(cards)
    envelopes = [
        _signed(DefineRole(**_frame(network, operator, until), name=name, permissions=permissions), key)
        for name, permissions in ((_PARTNER, _PARTNER_RIGHTS), (_FOUNDER, _FOUNDER_RIGHTS))
    ]
    for card in cards:
        envelopes += _welcome(card, key, until)
        validator = SetValidator(
            **_frame(network, operator, until),
            power=FOUNDER_POWER,
            subject=card.member.subject,
            validator=card.validator,
        )
        envelopes.append(_signed(validator, key))
    policy = SetPolicy(
        **_frame(network, operator, until),
        lifetime_s=VOTE_S,
        permission="validator.set",
        policy=Group(
            members=tuple(Voice(account=card.member.subject, weight=1) for card in cards),
            need=2 * len(cards) // 3 + 1,
            weight=1,
        ),
        subtree=operator,
        veto_accounts=(),
    )
    return [*envelopes, _signed(policy, key)]


def _welcome(card: Card, key: ec.EllipticCurvePrivateKey, until: int) -> list[bytes]:
    """The account of an organisation, its key (which signed already), and its rights."""
    member = card.member
    frames = [_frame(member.network, member.account, until) for _ in range(3)]
    return [
        _signed(RegisterAccount(**frames[0], kind="partner", path=member.subject), key),
        add_signature(card.registration.encode(), key),
        *(
            _signed(
                BindRole(**frame, role=role, subject=member.subject, subtree=subtree, valid_from=0, valid_to=0), key
            )
            for frame, role, subtree in (
                (frames[1], _PARTNER, member.subject),
                (frames[2], _FOUNDER, member.account),
            )
        ),
    ]


def _until(cards: Sequence[Card]) -> int:
    return max(card.made for card in cards) + LIFETIME_S


def _soon() -> int:
    return int(time.time()) + _SUBMIT_S


def _frame(network: str, account: str, expires: int) -> Frame:
    return {
        "account": account,
        "expires": expires,
        "id": secrets.token_hex(16),
        "network": network,
        "reason": "",
        "references": (),
    }


def _signed(payload: Payload, key: ec.EllipticCurvePrivateKey) -> bytes:
    return sign(encode(payload), keys=[key])


def enrol_organisation(*, folder: Path, card: Path) -> str:
    """Open an account for an organisation that comes later; at the node with the operator's key. Gives the account."""
    home, given = NodeHome(folder), read_card(card.read_bytes())
    _submit(home, _welcome(given, home.keys.signing_key(_OPERATOR_KEY), _soon()))
    return given.member.subject


def propose_validator(*, folder: Path, card: Path, power: int) -> str:
    """Propose to give the validator of a card a power, or with 0 to take it out; gives the name of the proposal."""
    home, given = NodeHome(folder), read_card(card.read_bytes())
    own = home.card().member
    frame = _frame(own.network, own.subject, _soon())
    operation = SetValidator(**frame, power=power, subject=given.member.subject, validator=given.validator)
    # A block's time may be a little ahead of this machine's clock, and the wait is bounded from there.
    propose = Propose(**frame, operation=operation, until=int(time.time()) + VOTE_S - _SUBMIT_S)
    return _submit(home, [_signed(propose, home.keys.signing_key(ORGANISATION_KEY))])[0]


def approve_proposal(*, folder: Path, proposal: str) -> None:
    """Add this organisation's voice to a proposal."""
    home = NodeHome(folder)
    own = home.card().member
    payload = Approve(**_frame(own.network, own.subject, _soon()), proposal=proposal)
    _submit(home, [_signed(payload, home.keys.signing_key(ORGANISATION_KEY))])


def open_proposals(*, folder: Path) -> list[OpenProposal]:
    """The changes of validators that wait for voices, by name; replays the node's chain."""
    home = NodeHome(folder)
    with NetworkLedger(home.ledger, rpc_port=home.settings().rpc_port, senders=0) as ledger, ledger.reading() as state:
        found = [(name, proposal) for name, proposal in sorted(state.proposals.items())]
        now = int(time.time())
    return [
        OpenProposal(
            name=name,
            proposer=proposal.operation.account,
            validator=proposal.operation.validator,
            power=proposal.operation.power,
            answers_for_it=proposal.operation.subject,
            approved_by=tuple(approval.account for approval in proposal.approvals),
            until=proposal.until,
        )
        for name, proposal in found
        if isinstance(proposal.operation, SetValidator) and proposal.until > now
    ]


def _submit(home: NodeHome, envelopes: Sequence[bytes]) -> list[str]:
    with NetworkLedger(home.ledger, rpc_port=home.settings().rpc_port, senders=1) as ledger:
        answers = ledger.submit(envelopes)
    for answer in answers:
        if not answer.on_ledger:
            raise LedgerAnswerError(detail=f"{answer.code}: {answer.detail}")
    return [answer.original or answer.transaction for answer in answers]
