"""A group purchase step by step: open, join, sealed offers, opening them, votes, the result, contracts.

Each step is a canonical document whose salted commitment is anchored on the ledger when it happens, so none can be
added, changed or dated back. Declarations and votes carry the signature of the member's own key. A step is done once:
a second one for the same member or supplier is refused.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ogniwo.core.billing.canonical import Json, canonical_bytes
from ogniwo.core.contracts.group_purchase import (
    HOURS,
    DeclarationError,
    Offer,
    PurchaseTerms,
    PurchaseTermsError,
    Stage,
)
from ogniwo.core.kernel.calendar import Clock, Month
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder
from ogniwo.core.ledger.signing import open_envelope
from ogniwo.core.ledger.state import State
from ogniwo.core.metering.model import IMPORT
from ogniwo.records.contracts.models import PurchaseEntry
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.drafting import Frame, draft_contract
from ogniwo.services.contracts.econtract_parties import ContractParty, contract_party
from ogniwo.services.contracts.econtracts import propose
from ogniwo.services.contracts.purchase_state import (
    GroupPurchase,
    Step,
    decision_document,
    declaration_of,
    offer_document,
    offer_of,
    require_signature,
    seal_of,
    terms_document,
)
from ogniwo.services.ledger.access import open_ledger, organisation_path
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.ledger.posting import DocumentToAnchor, anchor_documents
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SALT_BYTES = 16
_PROFILE_MONTHS = 12
_PRICE_DECIMALS = 6
_E8_PER_PRICE_UNIT = 100


class StepDoneError(Refusal):
    """This step was done before for the same member, supplier or purchase: nothing is changed after the fact."""

    code = "purchase.done_before"


class DifferentOfferError(Refusal):
    """The opened offer is not the one that was sealed before the deadline, or nothing was sealed for the supplier."""

    code = "purchase.different_offer"


class NotInThisPurchaseError(Refusal):
    """A signed document belongs to another purchase, another member or another step, or is not canonical."""

    code = "purchase.foreign_document"


class NotAMemberError(Refusal):
    """Who joins or votes has to be a member of the organisation; who votes has to have joined; with a point of his."""

    code = "purchase.not_a_member"


class NoProfileError(Refusal):
    """There is no month in which the readings of all the member's points are complete: say the yearly energy."""

    code = "purchase.no_profile"


class NotInTemplateError(Refusal):
    """The contract template knows one price for all hours and no monthly fee: this offer is concluded otherwise."""

    code = "purchase.not_in_template"


class NothingChosenError(Refusal):
    """There is no result yet, or the rule has chosen no offer."""

    code = "purchase.nothing_chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a member wants to declare: kWh a year (0: by the readings), spread evenly over the day, and the ceiling."""

    ceiling_e8: int
    year_wh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewEntry:
    step: Step
    word: str
    account: str
    document: Mapping[str, Json]
    party: ContractParty | None = None


def open_purchase(workspace: Workspace, *, organisation: Organisation, code: str, terms: PurchaseTerms) -> str:
    """Anchor the terms of a new purchase and give their commitment; joining has to be possible still.

    Raises NotNowError, StepDoneError, and PurchaseTermsError for a code that is none.
    """
    if not _CODE.fullmatch(code):
        raise PurchaseTermsError(detail=f"{code!r} is no code: at most 40 of a-z, 0-9 and -, not - first")
    terms.require(Stage.JOINING, now_s=_now_s(workspace))
    entry = _NewEntry(
        step=Step.OPEN,
        word="",
        account=organisation_path(organisation),
        document=_document(workspace, Step.OPEN, code, "", terms_document(terms)),
    )
    return _enter(workspace, organisation=organisation, code=code, entry=entry)


def declaration_payload(workspace: Workspace, *, purchase: GroupPurchase, member: str, wish: Wish) -> bytes:
    """The canonical declaration that a member signs: the energy by hour, the ceiling, and the own points.

    Raises NotAMemberError, NoProfileError, DeclarationError.
    """
    party = _member(purchase, member)
    points = _points_of(party)
    hours, basis = _even(wish.year_wh) if wish.year_wh else _from_readings(workspace, points)
    said: dict[str, Json] = {
        "account": party.account,
        "hours_wh": list(hours),
        "ceiling_e8": wish.ceiling_e8,
        "points": [point.code for point in points],
        "basis": basis,
    }
    declaration_of(member, said)
    return canonical_bytes(_document(workspace, Step.JOIN, purchase.code, purchase.opening, said))


def join(workspace: Workspace, *, purchase: GroupPurchase, member: str, envelope: bytes) -> str:
    """Take a member's signed declaration; gives its commitment.

    Raises NotNowError, StepDoneError, PurchaseSignatureError, NotInThisPurchaseError, DeclarationError.
    """
    purchase.terms.require(Stage.JOINING, now_s=_now_s(workspace))
    party = _member(purchase, member)
    said = _signed(workspace, envelope, purchase=purchase, step=Step.JOIN, account=party.account)
    try:
        declaration_of(member, said)
        known = {point.code for point in _points_of(party)}
        if not said["points"] or set(said["points"]) - known or not isinstance(said["basis"], str):
            raise DeclarationError(detail=f"the declaration names points that are not those of {member}")
    except (KeyError, TypeError) as error:
        raise NotInThisPurchaseError(
            detail=f"the declaration lacks something or holds another kind: {error}"
        ) from error
    return _enter_signed(workspace, purchase=purchase, step=Step.JOIN, party=party, envelope=envelope)


def sealed_offer(*, purchase: GroupPurchase, offer: Offer) -> tuple[bytes, str]:
    """An offer with a fresh salt as a file for the supplier to keep, and the commitment to hand in. Stores nothing."""
    salt = secrets.token_hex(_SALT_BYTES)
    document = _bound_offer(purchase, offer)
    return canonical_bytes({"salt": salt, "offer": document}), seal_of(salt=salt, document=document)


def take_offer(workspace: Workspace, *, purchase: GroupPurchase, supplier: str, sealed: str, subject: Subject) -> str:
    """Anchor the commitment to a supplier's sealed offer; gives the commitment of this step.

    Raises NotNowError before joining has ended and from the deadline on, StepDoneError for a second offer.
    """
    purchase.terms.require(Stage.OFFERS, now_s=_now_s(workspace))
    party = contract_party(supplier, subject=subject)
    if len(sealed) != len(purchase.opening) or set(sealed) - set("0123456789abcdef"):
        raise DifferentOfferError(detail="a sealed offer is a SHA-256 in lower-case hex")
    document = _document(workspace, Step.OFFER, purchase.code, purchase.opening, {"sealed": sealed})
    entry = _NewEntry(step=Step.OFFER, word=supplier, account=party.account, document=document)
    return _enter(workspace, organisation=purchase.organisation, code=purchase.code, entry=entry)


def reveal_offer(workspace: Workspace, *, purchase: GroupPurchase, opened: bytes, subject: Subject) -> Offer:
    """Open a sealed offer with the supplier's file; exactly what was sealed is taken.

    Raises NotNowError, StepDoneError, DifferentOfferError, OfferError.
    """
    purchase.terms.require(Stage.OPENING, now_s=_now_s(workspace))
    try:
        said = json.loads(opened)
        salt, document = str(said["salt"]), said["offer"]
        supplier = str(document["supplier"])
        sealed = seal_of(salt=salt, document=document)
    except (ValueError, KeyError, TypeError) as error:
        raise DifferentOfferError(detail=f"this is no opened offer: {error}") from error
    if sealed != purchase.sealed.get(supplier):
        raise DifferentOfferError(detail=f"{sealed[:16]} is not what {supplier} sealed")
    try:
        offer = offer_of(document)
    except (KeyError, TypeError) as error:
        raise DifferentOfferError(detail=f"the sealed offer of {supplier} lacks something: {error}") from error
    if document != _bound_offer(purchase, offer):
        raise DifferentOfferError(detail=f"the sealed offer of {supplier} was made for another purchase")
    entry = _NewEntry(
        step=Step.REVEAL,
        word=supplier,
        account=contract_party(supplier, subject=subject).account,
        document=_document(workspace, Step.REVEAL, purchase.code, purchase.opening, {"salt": salt, "offer": document}),
    )
    _enter(workspace, organisation=purchase.organisation, code=purchase.code, entry=entry)
    return offer


def vote_payload(workspace: Workspace, *, purchase: GroupPurchase, member: str, supplier: str) -> bytes:
    """The canonical vote that a member signs; it names the sealed commitment of the offer."""
    party = _member(purchase, member)
    if supplier not in {one.supplier for one in purchase.offers}:
        raise DifferentOfferError(detail=f"there is no opened offer of {supplier}")
    said: dict[str, Json] = {"account": party.account, "offer": purchase.sealed[supplier]}
    return canonical_bytes(_document(workspace, Step.VOTE, purchase.code, purchase.opening, said))


def vote(workspace: Workspace, *, purchase: GroupPurchase, member: str, envelope: bytes) -> str:
    """Take a member's signed vote for an opened offer; gives its commitment.

    Raises NotNowError, StepDoneError, NotAMemberError, PurchaseSignatureError, NotInThisPurchaseError.
    """
    purchase.terms.require(Stage.VOTING, now_s=_now_s(workspace))
    party = _member(purchase, member)
    if member not in purchase.accounts:
        raise NotAMemberError(detail=f"{member} has not joined {purchase.code}")
    said = _signed(workspace, envelope, purchase=purchase, step=Step.VOTE, account=party.account)
    if said.get("offer") not in {purchase.sealed[one.supplier] for one in purchase.offers}:
        raise NotInThisPurchaseError(detail="the vote is for no opened offer of this purchase")
    return _enter_signed(workspace, purchase=purchase, step=Step.VOTE, party=party, envelope=envelope)


def conclude(workspace: Workspace, *, purchase: GroupPurchase) -> str:
    """Anchor the result that follows from the documents, naming the commitments of all of them."""
    purchase.terms.require(Stage.OVER, now_s=_now_s(workspace))
    said: dict[str, Json] = {**decision_document(purchase.decision()), "documents": list(purchase.commitments)}
    entry = _NewEntry(
        step=Step.RESULT,
        word="",
        account=organisation_path(purchase.organisation),
        document=_document(workspace, Step.RESULT, purchase.code, purchase.opening, said),
    )
    return _enter(workspace, organisation=purchase.organisation, code=purchase.code, entry=entry)


def propose_contracts(
    workspace: Workspace, *, purchase: GroupPurchase, asset: str, subject: Subject
) -> tuple[tuple[str, str, str], ...]:
    """Propose a supply contract for each point of each member who stays: (member, point, contract), the new ones.

    Repeating it proposes what is missing. Raises NothingChosenError, NotInTemplateError.
    """
    chosen = next((one for one in purchase.offers if one.supplier == purchase.result.get("chosen")), None)
    if chosen is None:
        raise NothingChosenError(detail=f"{purchase.code} has chosen no offer")
    price_e8 = chosen.bands[0].price_e8
    if any(band.price_e8 != price_e8 for band in chosen.bands) or chosen.monthly_grosz or price_e8 % _E8_PER_PRICE_UNIT:
        raise NotInTemplateError(detail=f"the offer of {chosen.supplier} has more than one price, or a monthly fee")
    price = format_decimal(price_e8 // _E8_PER_PRICE_UNIT, decimals=_PRICE_DECIMALS)
    terms, made = purchase.terms, []
    for member in purchase.result["stays"]:
        for point in purchase.points[member]:
            if point in purchase.contracts:
                continue
            draft = draft_contract(
                workspace,
                template="energy-supply",
                provider=chosen.supplier,
                user=member,
                parameters={"point": point, "price": price, "channel": IMPORT},
                frame=Frame(asset=asset, valid_from=terms.first, valid_to=terms.last_exclusive),
                subject=subject,
            )
            name = propose(workspace, terms=draft.terms, subject=subject, by=None)
            document = _document(workspace, Step.CONTRACT, purchase.code, purchase.opening, {"contract": name})
            party = contract_party(member, subject=subject)
            entry = _NewEntry(step=Step.CONTRACT, word=point, account=party.account, document=document, party=party)
            _enter(workspace, organisation=purchase.organisation, code=purchase.code, entry=entry)
            made.append((member, point, name))
    return tuple(made)


def _now_s(workspace: Workspace) -> int:
    return int(workspace.now().timestamp())


def _document(workspace: Workspace, step: Step, code: str, opening: str, said: Mapping[str, Json]) -> dict[str, Json]:
    """What every document of a purchase says first: so none can be shown for another purchase or step."""
    frame = {"schema": f"ogniwo.purchase.{step}/1", "network": workspace.network, "purchase": code, "opening": opening}
    return {**frame, **said}


def _bound_offer(purchase: GroupPurchase, offer: Offer) -> dict[str, Json]:
    return {**offer_document(offer), "purchase": purchase.code, "opening": purchase.opening}


def _member(purchase: GroupPurchase, number: str) -> ContractParty:
    member = purchase.organisation.members.filter(number=number).first()
    if member is None:
        raise NotAMemberError(detail=f"{number} is no member of {purchase.organisation.code}")
    return contract_party(number, subject=Subject(path=purchase.organisation.path))


def _points_of(party: ContractParty) -> list[MeteringPoint]:
    """The points at which the member takes energy."""
    points = party.member.points.exclude(role="producer").order_by("code") if party.member else ()
    if not points:
        raise NotAMemberError(detail=f"{party.word} has no point that takes energy")
    return list(points)


def _even(year_wh: int) -> tuple[tuple[int, ...], str]:
    hours = split_largest_remainder(total=year_wh, weights=[1] * HOURS, ids=[f"{hour:02d}" for hour in range(HOURS)])
    return hours, "declared"


def _from_readings(workspace: Workspace, points: list[MeteringPoint]) -> tuple[tuple[int, ...], str]:
    """The newest twelve months with complete readings of all points, by hour, brought to 365 days, the sum exact."""
    found, days, used = np.zeros(HOURS, dtype=np.int64), 0, 0
    for month in sorted(workspace.series.months(), reverse=True):
        part = _hours_of_month(workspace, points, month)
        if part is not None and used < _PROFILE_MONTHS:
            found += part
            days += (month.shifted(1).first - month.first).days
            used += 1
    if not found.any():
        raise NoProfileError(detail="no month has complete readings of " + ", ".join(one.code for one in points))
    year_wh = int(found.sum()) * 365 // days
    hours = split_largest_remainder(total=year_wh, weights=found.tolist(), ids=[f"{hour:02d}" for hour in range(HOURS)])
    return hours, f"readings of {days} days"


def _hours_of_month(workspace: Workspace, points: list[MeteringPoint], month: Month) -> "np.ndarray[Any, Any] | None":
    sums = np.zeros(HOURS, dtype=np.int64)
    for point in points:
        series = workspace.series.read(point=point.code, channel=IMPORT, month=month)
        if series is None or not series.complete:
            return None
        np.add.at(sums, series.grid.view(Clock.LOCAL).hour, series.wh.astype(np.int64))
    return sums


def _signed(
    workspace: Workspace, envelope: bytes, *, purchase: GroupPurchase, step: Step, account: str
) -> dict[str, Any]:
    """What a signed document says, once it is canonical and of this purchase, step and account."""
    payload = open_envelope(envelope).payload
    try:
        said = json.loads(payload)
        canonical = isinstance(said, dict) and canonical_bytes(said) == payload
    except (ValueError, TypeError):
        canonical = False
    frame = _document(workspace, step, purchase.code, purchase.opening, {"account": account})
    if not canonical or any(said.get(name) != value for name, value in frame.items()):
        raise NotInThisPurchaseError(detail=f"the signed document is not the {step} of this member in {purchase.code}")
    return dict(said)


def _enter_signed(
    workspace: Workspace, *, purchase: GroupPurchase, step: Step, party: ContractParty, envelope: bytes
) -> str:
    document = _document(workspace, step, purchase.code, purchase.opening, {"envelope": envelope.decode()})
    entry = _NewEntry(step=step, word=party.word, account=party.account, document=document, party=party)
    now_s = _now_s(workspace)

    def check(state: State) -> None:
        require_signature(state, envelope, account=party.account, now_s=now_s)

    return _enter(workspace, organisation=purchase.organisation, code=purchase.code, entry=entry, check=check)


def _enter(
    workspace: Workspace,
    *,
    organisation: Organisation,
    code: str,
    entry: _NewEntry,
    check: Callable[[State], None] = lambda _state: None,
) -> str:
    """Anchor a document and keep the step; gives the commitment. Raises StepDoneError."""
    natural_id = f"{organisation.code}/{code}/{entry.step}/{entry.word}"
    with changing(workspace, f"purchase {entry.step}"), open_ledger(workspace) as ledger:
        done = PurchaseEntry.objects.filter(organisation=organisation, purchase=code, step=entry.step, word=entry.word)
        if done.exists():
            raise StepDoneError(detail=f"{natural_id} stands already")
        ensure_ledger(workspace, ledger, community=organisation)
        with ledger.reading() as state:
            check(state)
        # What an interrupted attempt kept without having anchored it never counted.
        Commitment.objects.filter(kind="purchase", natural_id=natural_id, transaction_id="").delete()
        anchor = DocumentToAnchor(
            kind="purchase", natural_id=natural_id, subject=entry.account, document=entry.document
        )
        anchor_documents(workspace, ledger, [anchor])
        row = Commitment.objects.get(kind="purchase", natural_id=natural_id)
        PurchaseEntry.objects.create(
            organisation=organisation,
            purchase=code,
            step=entry.step.value,
            word=entry.word,
            member=entry.party.member if entry.party else None,
            made_at=workspace.now(),
            commitment=row,
        )
        facts = {"commitment": row.commitment, "transaction": row.transaction_id}
        record_act(workspace, action=f"purchase.{entry.step}", target=natural_id, facts=facts)
    if row.payload != canonical_bytes(dict(entry.document)).decode():
        raise StepDoneError(detail=f"{natural_id} was anchored by an attempt that was interrupted: that one stands")
    return row.commitment
