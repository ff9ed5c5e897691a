"""Who takes part in an e-contract: a member by number or an organisation by code, and the account it has."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.signing import key_id, public_key_of
from ogniwo.core.ledger.transactions import RegisterKey
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    frame,
    key_store,
    member_path,
    open_ledger,
    organisation_path,
    signed,
    submit,
)
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace


class PartyNotFoundError(Refusal):
    """There is no member of this number and no organisation of this code, or the subject may not see it."""

    code = "econtract_party.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractParty:
    """A possible party: `word` is what it is asked for by; households are consumers."""

    word: str
    account: str
    name: str
    address: str
    number: str
    consumer: bool
    organisation: Organisation
    member: Member | None


def contract_party(word: str, *, subject: Subject) -> ContractParty:
    """The member with this number or the organisation with this code."""
    member = Member.objects.all().visible_to(subject).filter(number=word).select_related("organisation").first()
    if member is not None:
        return ContractParty(
            word=word,
            account=member_path(member),
            name=member.name,
            address=_address(member.street, member.post_code, member.town),
            number=member.number,
            consumer=member.kind == "household",
            organisation=member.organisation,
            member=member,
        )
    organisation = Organisation.objects.all().visible_to(subject).filter(code=word).first()
    if organisation is None:
        raise PartyNotFoundError(detail=f"there is no member {word} and no organisation {word}")
    return ContractParty(
        word=word,
        account=organisation_path(organisation),
        name=organisation.name,
        address=_address(organisation.street, organisation.post_code, organisation.town),
        number=organisation.nip or organisation.code,
        consumer=False,
        organisation=organisation,
        member=None,
    )


def _address(street: str, post_code: str, town: str) -> str:
    return ", ".join(part for part in (street, f"{post_code} {town}".strip()) if part)


def register_party_key(
    workspace: Workspace, *, party: ContractParty, key: ec.EllipticCurvePrivateKey, device: str
) -> str:
    """Register a device key for the account of a party, and give its id; the same key again changes nothing.

    For keys that lie in a file beside the command. The operator registers and the key itself signs too.
    """
    with changing(workspace, f"contract key {party.word}"), open_ledger(workspace) as ledger:
        ensure_ledger(workspace, ledger, community=party.organisation)
        kid = key_id(public_key_of(key))
        with ledger.reading() as state:
            known = state.keys.get(kid)
            operator = state.foundation.operator if state.foundation else ""
        if known is None or known.account != party.account:
            payload = RegisterKey(
                **frame(workspace, account=operator),
                device=device,
                key=public_key_of(key),
                purpose="transaction",
                subject=party.account,
                valid_from=0,
            )
            submit(ledger, [signed(payload, key_store(workspace).signing_key(OPERATOR_KEY), key)])
            record_act(workspace, action="contract.key", target=party.word, facts={"kid": kid, "device": device})
    return kid


def operator_of(ledger: EmbeddedLedger) -> str:
    """The operator's account."""
    with ledger.reading() as state:
        return state.foundation.operator if state.foundation else ""
