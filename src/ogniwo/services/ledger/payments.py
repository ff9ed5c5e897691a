"""Payment tokens of a workspace: the switch with its notice, issuing, paying, holding, disputes, redemption."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.billing.canonical import Json, canonical_bytes
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.rulebook.holds import available, reserved
from ogniwo.core.ledger.signing import key_id, public_key_of
from ogniwo.core.ledger.transactions import (
    AssetKind,
    DefineAsset,
    Dispute,
    Hold,
    Pay,
    Payload,
    Post,
    Posting,
    RegisterAccount,
    RegisterKey,
    ResolveDispute,
    Settle,
    Source,
    SwitchPayments,
    Void,
)
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.queries import invoice as invoice_of
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    NoLedgerError,
    frame,
    has_ledger,
    key_store,
    member_path,
    open_ledger,
    signed,
    submit,
)
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

PAYMENT_ASSET = "PLN/2"
BASES = ("e-money-distributor", "e-money-institution", "credit-institution", "limited-network")
"""The legal bases on which a payment token may be switched on; docs/ledger.md says what each demands."""


class MemberUnknownError(Refusal):
    """There is no such member, or the subject may not see it."""

    code = "tokens.member"


class KeyUnregisteredError(Refusal):
    """The key is not registered on the ledger."""

    code = "tokens.key"


class TokensOffError(Refusal):
    """The payment token is not defined or not switched on."""

    code = "tokens.off"


class InvoiceNotPostedError(Refusal):
    """A payment cannot refer to an invoice that is not on the ledger."""

    code = "tokens.invoice_not_posted"


class NoticeMissingError(Refusal):
    """Payments cannot be switched on without the text of the notice that was given."""

    code = "tokens.notice"


class Till(NamedTuple):
    """An open ledger with who acts for it: the operator's path and key, and the account that issues."""

    workspace: Workspace
    ledger: EmbeddedLedger
    operator: str
    key: ec.EllipticCurvePrivateKey

    @property
    def issuer(self) -> str:
        """The control account whose negative balance is what is out."""
        return f"{self.operator}/tokens"

    def send(self, *envelopes: bytes) -> str:
        """Put envelopes on the ledger; gives the name of the last transaction."""
        return submit(self.ledger, list(envelopes))[-1]

    def by_operator(self, payload: Payload) -> str:
        """Sign as operator and send."""
        return self.send(signed(payload, self.key))


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBalance:
    """What a member has of an asset, in minor units: all of it, what holds reserve, and what he can give now.

    `expires` is the next expiry (seconds since 1970) and `expiring` how much that is; 0 where nothing expires.
    """

    member: str
    asset: str
    balance: int
    reserved: int
    available: int
    expires: int
    expiring: int


def register_member_key(
    workspace: Workspace, *, community: Organisation, member: str, key: str, subject: Subject
) -> str:
    """Make a member's key in the keystore, unless it is there, and register it; gives the key's id."""
    account = member_path(member_of(member, subject=subject))
    with till(workspace, "token key", community=community) as desk:
        store = key_store(workspace)
        if key not in store.names():
            store.create(key)
        fresh = store.signing_key(key)
        payload = RegisterKey(
            **frame(workspace, account=desk.operator),
            device=key,
            key=public_key_of(fresh),
            purpose="transaction",
            subject=account,
            valid_from=0,
        )
        desk.send(signed(payload, desk.key, fresh))
        record_act(workspace, action="token.key", target=member, facts={"key": key_id(public_key_of(fresh))})
        return key_id(public_key_of(fresh))


def switch(workspace: Workspace, *, community: Organisation, asset: str, active: bool, basis: str, notice: str) -> str:
    """Switch a payment token on or off and keep the notice; defines the token when it is new.

    `basis` is one of BASES; the ledger gets the notice's salted commitment. Gives the transaction's name.
    """
    if not notice.strip():
        raise NoticeMissingError(detail="name a file with the text that members and authorities were given")
    with till(workspace, "token switch", community=community) as desk:
        define_asset(desk, asset=asset, kind="payment", transferable=True)
        document: dict[str, Json] = {
            "schema": "ogniwo.payment-notice/1",
            "active": active,
            "asset": asset,
            "basis": basis,
            "text": notice,
        }
        row = keep_document("payment_notice", f"{asset}/{secrets.token_hex(8)}", document)
        payload = SwitchPayments(
            **frame(workspace, account=desk.operator),
            active=active,
            asset=asset,
            basis=basis,
            notice=row.commitment,
        )
        name = desk.by_operator(payload)
        mark_sent(row, name)
        facts = {"active": active, "basis": basis, "notice": row.commitment}
        record_act(workspace, action="token.switch", target=asset, facts=facts)
        return name


def issue(
    workspace: Workspace, *, community: Organisation, member: str, asset: str, amount: int, subject: Subject
) -> str:
    """Issue tokens to a member against the issuer's account; refuses while payments are not switched on."""
    account = member_path(member_of(member, subject=subject))
    with till(workspace, "token issue", community=community) as desk:
        _demand_on(desk, asset)
        postings = (
            Posting(account=desk.issuer, amount=-amount, asset=asset),
            Posting(account=account, amount=amount, asset=asset),
        )
        payload = Post(**frame(workspace, account=desk.operator, reason="issue"), postings=postings)
        name = desk.by_operator(payload)
        record_act(workspace, action="token.issue", target=member, facts={"asset": asset, "amount": amount})
        return name


def pay(
    workspace: Workspace,
    *,
    key: str,
    taker: str,
    amount: int,
    assets: tuple[tuple[str, int], ...],
    reason: str,
    subject: Subject,
    invoice: str = "",
) -> str:
    """Pay a member (or the issuer, "issuer") with a member's key: from the assets in order, each up to its cap.

    With the number of an `invoice` the payment refers to the transaction that anchored it, so that a receipt of the
    payment leads to the bill and on to the readings. Raises InvoiceNotFoundError or InvoiceNotPostedError.
    """
    references = (_anchored(invoice, subject=subject),) if invoice else ()
    with till(workspace, "token pay") as desk:
        payer, private = _holder(desk, key)
        payload = Pay(
            **frame(workspace, account=payer, reason=reason, references=references),
            amount=amount,
            sources=tuple(Source(account=payer, asset=asset, cap=cap) for asset, cap in assets),
            taker=_taker(desk, taker, subject=subject),
        )
        return desk.send(signed(payload, private))


def _anchored(number: str, *, subject: Subject) -> str:
    invoice_of(number=number, subject=subject)
    row = Commitment.objects.filter(kind="invoice", natural_id=number).exclude(transaction_id="").first()
    if row is None:
        raise InvoiceNotPostedError(detail=f"the invoice {number} is not on the ledger; post its month first")
    return row.transaction_id


def hold(
    workspace: Workspace, *, key: str, taker: str, amount: int, asset: str, seconds: int, reason: str, subject: Subject
) -> str:
    """Reserve a member's tokens for another for some time; in favour of "issuer" it asks for redemption."""
    with till(workspace, "token hold") as desk:
        giver, private = _holder(desk, key)
        payload = Hold(
            **frame(workspace, account=giver, reason=reason),
            amount=amount,
            asset=asset,
            giver=giver,
            taker=_taker(desk, taker, subject=subject),
            until=int(workspace.now().timestamp()) + seconds,
        )
        return desk.send(signed(payload, private))


def settle(workspace: Workspace, *, key: str, name: str, amount: int, final: bool) -> str:
    """Move a part or all of what a hold reserves."""
    with till(workspace, "token settle") as desk:
        actor, private = _holder(desk, key)
        payload = Settle(**frame(workspace, account=actor), amount=amount, final=final, hold=name)
        return desk.send(signed(payload, private))


def pay_out(workspace: Workspace, *, name: str, amount: int, transfer: str) -> str:
    """Settle a redemption as issuer after the bank transfer `transfer`, of which the ledger gets a commitment."""
    with till(workspace, "token redeem") as desk:
        document: dict[str, Json] = {"schema": "ogniwo.bank-transfer/1", "hold": name, "title": transfer}
        row = keep_document("bank_transfer", f"{name}/{secrets.token_hex(4)}", document)
        payload = Settle(
            **frame(workspace, account=desk.operator, reason="redemption", references=(row.commitment,)),
            amount=amount,
            final=True,
            hold=name,
        )
        transaction = desk.by_operator(payload)
        mark_sent(row, transaction)
        record_act(workspace, action="token.redeem", target=name, facts={"amount": amount, "transfer": transfer})
        return transaction


def void(workspace: Workspace, *, key: str, name: str) -> str:
    """Free what a hold reserves."""
    with till(workspace, "token void") as desk:
        actor, private = _holder(desk, key)
        return desk.send(signed(Void(**frame(workspace, account=actor), hold=name), private))


def dispute(workspace: Workspace, *, key: str, name: str, text: str) -> str:
    """Contest a hold; the statement is kept here, the ledger gets its commitment."""
    with till(workspace, "token dispute") as desk:
        actor, private = _holder(desk, key)
        row = keep_document("dispute", f"{name}/{secrets.token_hex(4)}", {"schema": "ogniwo.dispute/1", "text": text})
        payload = Dispute(**frame(workspace, account=actor), hold=name, text=row.commitment)
        transaction = desk.send(signed(payload, private))
        mark_sent(row, transaction)
        return transaction


def resolve(workspace: Workspace, *, key: str, name: str, amount: int, text: str) -> str:
    """Decide a dispute: settle an amount, or free everything with 0; the grounds are kept here."""
    with till(workspace, "token resolve") as desk:
        actor, private = _holder(desk, key)
        row = keep_document("verdict", f"{name}/{secrets.token_hex(4)}", {"schema": "ogniwo.verdict/1", "text": text})
        payload = ResolveDispute(
            **frame(workspace, account=actor),
            amount=amount,
            hold=name,
            text=row.commitment,
            verdict="settle" if amount else "void",
        )
        transaction = desk.send(signed(payload, private))
        mark_sent(row, transaction)
        return transaction


def token_balances(workspace: Workspace, *, subject: Subject) -> tuple[TokenBalance, ...]:
    """What the members that the subject may see have of payment and marketing assets."""
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo token switch` or `ogniwo ledger post`")
    now = int(workspace.now().timestamp())
    members = Member.objects.all().visible_to(subject).select_related("organisation")
    accounts = {member_path(member): member.number for member in members}
    found = []
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        names = sorted(name for name, asset in state.assets.items() if asset.kind in {"payment", "marketing"})
        for account, number in sorted(accounts.items(), key=lambda one: one[1]):
            for name in names:
                if not state.balance(account, name):
                    continue
                lots = state.lots[account, name].lots if (account, name) in state.lots else ()
                alive = [lot for lot in lots if lot.expires > now]
                found.append(
                    TokenBalance(
                        member=number,
                        asset=name,
                        balance=state.balance(account, name),
                        reserved=reserved(state, account, name, now),
                        available=available(state, account, name, now),
                        expires=alive[0].expires if alive else 0,
                        expiring=alive[0].amount if alive else 0,
                    )
                )
    return tuple(found)


@contextmanager
def till(workspace: Workspace, what: str, *, community: Organisation | None = None) -> Iterator[Till]:
    """The ledger open for payments; founds it and opens accounts where a community is given."""
    if community is None and not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo token switch` or `ogniwo ledger post`")
    with changing(workspace, what), open_ledger(workspace) as ledger:
        if community is not None:
            ensure_ledger(workspace, ledger, community=community)
        with ledger.reading() as state:
            operator = state.foundation.operator if state.foundation else ""
        yield Till(workspace, ledger, operator, key_store(workspace).signing_key(OPERATOR_KEY))


def define_asset(desk: Till, *, asset: str, kind: AssetKind, transferable: bool) -> bool:
    """Define an asset of the operator's issuing account; says whether it was new."""
    with desk.ledger.reading() as state:
        known, opened = asset in state.assets, desk.issuer in state.accounts
    if known:
        return False
    account = frame(desk.workspace, account=desk.operator)
    if not opened:
        desk.by_operator(RegisterAccount(**account, kind="control", path=desk.issuer))
    desk.by_operator(
        DefineAsset(
            **frame(desk.workspace, account=desk.operator),
            asset=asset,
            channels=(),
            domain=desk.operator,
            issuer=desk.issuer,
            kind=kind,
            transferable=transferable,
        )
    )
    return True


def keep_document(kind: str, natural_id: str, document: dict[str, Json]) -> Commitment:
    """Keep a document and its salt off the log; the row has the commitment that goes on it."""
    content, salt = canonical_bytes(document), secrets.token_bytes(16)
    return Commitment.objects.create(
        kind=kind,
        natural_id=natural_id,
        salt=salt.hex(),
        payload=content.decode(),
        commitment=sha256(salt + content).hexdigest(),
        transaction_id="",
    )


def mark_sent(row: Commitment, transaction: str) -> None:
    """Remember which transaction carries a commitment."""
    row.transaction_id = transaction
    row.save(update_fields=["transaction_id"])


def member_of(number: str, *, subject: Subject) -> Member:
    """The member of this number."""
    found = Member.objects.all().visible_to(subject).filter(number=number).select_related("organisation").first()
    if found is None:
        raise MemberUnknownError(detail=f"there is no member {number}")
    return found


def _taker(desk: Till, name: str, *, subject: Subject) -> str:
    return desk.issuer if name == "issuer" else member_path(member_of(name, subject=subject))


def _holder(desk: Till, key: str) -> tuple[str, ec.EllipticCurvePrivateKey]:
    """The account that a key of the keystore belongs to on the ledger, and the key."""
    private = key_store(desk.workspace).signing_key(key)
    with desk.ledger.reading() as state:
        record = state.keys.get(key_id(public_key_of(private)))
    if record is None:
        raise KeyUnregisteredError(detail=f"the key {key} is not registered; run `ogniwo token key`")
    return record.account, private


def _demand_on(desk: Till, asset: str) -> None:
    """Also for ledgers founded before the switch existed, which the rules alone would let issue."""
    with desk.ledger.reading() as state:
        found = state.switches.get(asset)
    if found is None or not found.active:
        raise TokensOffError(detail=f"{asset} is not switched on; run `ogniwo token switch on`")
