"""Documents by e-mail: to whom they go, what the letter says, and that none goes to an address twice.

Each letter is claimed before it is handed to the mail server. What the server refuses loses its claim and may be tried
again; where nobody can tell whether it was taken (a kill, a broken connection) the claim stays and it is not repeated.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction

from ogniwo.core.billing.payment import nrb_groups
from ogniwo.records.access.models import Grant
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.messages.models import BillLetter
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.pictures import draw_invoice
from ogniwo.services.billing.queries import invoice, invoices
from ogniwo.services.parties.choices import BILLS_BY_MAIL, document_language, who_declined
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

_GROSZ: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One document for one address."""

    number: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPlan:
    """The letters of a month: those to send, those sent, those of which nobody knows whether they arrived.

    `documents` is how many were issued; `without` are the numbers of the members whom no address is known of,
    `declined` of those who do not want bills by e-mail: they get none this way.
    """

    documents: int
    waiting: tuple[Letter, ...]
    sent: tuple[Letter, ...]
    unclear: tuple[Letter, ...]
    without: tuple[str, ...]
    declined: tuple[str, ...]


def letters_of(*, subject: Subject, month: str) -> LetterPlan:
    """What would be sent of a month (YYYY-MM), and what was. An address is the sign-in of a member's open grant."""
    rows = invoices(subject=subject, month=month).select_related(None)
    records = list(rows.values_list("number", "member", "member__number"))
    members = {member for _, member, _ in records}
    declined = who_declined(BILLS_BY_MAIL, members)
    addresses = _addresses(members - declined)
    claims = BillLetter.objects.all().visible_to(subject).filter(document__run__month=month)
    known = {
        (number, address): sent_at is not None
        for number, address, sent_at in claims.values_list("document__number", "address", "sent_at")
    }
    letters = [Letter(number=number, address=to) for number, member, _ in records for to in addresses.get(member, ())]
    claimed = [Letter(number=number, address=address) for number, address in known]
    return LetterPlan(
        documents=len(records),
        waiting=tuple(one for one in letters if (one.number, one.address) not in known),
        sent=tuple(one for one in claimed if known[one.number, one.address]),
        unclear=tuple(one for one in claimed if not known[one.number, one.address]),
        without=tuple(sorted({number for _, member, number in records if member not in addresses.keys() | declined})),
        declined=tuple(sorted({number for _, member, number in records if member in declined})),
    )


def letters_are_files() -> bool:
    """Whether no mail server is set up, so that letters become files in a folder."""
    return str(settings.EMAIL_BACKEND).endswith("filebased.EmailBackend")


def _addresses(members: set[int]) -> dict[int, tuple[str, ...]]:
    """Addresses by the key of the member; a sign-in that is no address is none."""
    found: dict[int, list[str]] = defaultdict(list)
    grants = Grant.objects.filter(role="member", ended_at=None, member_id__in=members, user__is_active=True)
    for member, login in grants.values_list("member", f"user__{get_user_model().USERNAME_FIELD}"):
        if _is_address(login):
            found[member].append(login)
    return {member: tuple(sorted(set(logins))) for member, logins in found.items()}


@lru_cache(maxsize=10_000)
def _is_address(login: str) -> bool:
    """Whether a sign-in is an address: the check is slow, and the same sign-ins are looked at on every page."""
    try:
        validate_email(login)
    except ValidationError:
        return False
    return True


def claim(workspace: Workspace, letter: Letter, *, subject: Subject) -> bool:
    """Take a letter to be sent; False when it was taken before. Raises InvoiceNotFoundError."""
    document = invoice(number=letter.number, subject=subject)
    _, new = BillLetter.objects.get_or_create(
        document=document, address=letter.address, defaults={"claimed_at": workspace.now()}
    )
    return new


def give_back(letter: Letter) -> None:
    """The server said that it does not take this letter: it may be sent later."""
    BillLetter.objects.filter(document__number=letter.number, address=letter.address, sent_at=None).delete()


def keep_sent(workspace: Workspace, letter: Letter) -> None:
    """The server took this letter. The log names the document, not the address."""
    with transaction.atomic():
        now = workspace.now()
        BillLetter.objects.filter(document__number=letter.number, address=letter.address).update(sent_at=now)
        record_act(workspace, action="bill.mail", target=letter.number, facts={})


def written(workspace: Workspace, letter: Letter, *, subject: Subject) -> EmailMessage:
    """The letter in Polish with a line in English, and the document as PDF in the language that the member chose.

    Polish where he chose none. Raises InvoiceNotFoundError.
    """
    record = invoice(number=letter.number, subject=subject)
    document: dict[str, Any] = msgspec.json.decode(record.document)
    sender = str(settings.DEFAULT_FROM_EMAIL)
    same = sha256(f"{record.digest} {letter.address}".encode()).hexdigest()[:40]
    message = EmailMessage(
        subject=f"{_kind(record)[0]} {record.number} – {_one_line(document['seller']['name'])}",
        body="\n".join(_text(record, document)),
        from_email=sender,
        to=[letter.address],
        headers={
            "Auto-Submitted": "auto-generated",
            # The same letter has the same name wherever it comes from, so that a mailbox can tell a second copy.
            "Message-ID": f"<{same}@{sender.rpartition('@')[2].strip('> ')}>",
        },
    )
    picture = draw_invoice(workspace, record, language=document_language(record.member_id) or "pl")
    message.attach(f"{record.number.replace('/', '-')}.pdf", picture, "application/pdf")
    return message


def _kind(record: InvoiceRecord) -> tuple[str, str]:
    return ("Korekta faktury", "correction") if record.corrects_id else ("Faktura", "invoice")


def _text(record: InvoiceRecord, document: dict[str, Any]) -> Sequence[str]:
    to_pay, back = document["totals"]["to_pay_grosz"], document["totals"]["overpaid_grosz"]
    polish, english = _kind(record)
    lines = [
        "Dzień dobry,",
        "",
        f"w załączniku: {polish.lower()} {record.number} za okres {record.run.month}.",
        "",
    ]
    if to_pay:
        lines += [
            f"Do zapłaty: {_zl(to_pay)} zł",
            f"Termin: {record.due_on.isoformat()}",
            f"Rachunek: {nrb_groups(document['account'])}",
            f"Tytuł przelewu: {record.number}",
        ]
    elif back:
        lines.append(f"Do zwrotu: {_zl(back)} zł. Nic nie trzeba robić: kwota przejdzie na następne rachunki.")
    else:
        lines.append("Nic nie trzeba płacić.")
    if document["credit_gross_grosz"]:
        lines += ["", f"Za oddaną energię należy się {_zl(document['credit_gross_grosz'])} zł."]
    return (
        *lines,
        "",
        "Każda pozycja jest objaśniona w portfelu, w części Rachunki.",
        "",
        str(document["seller"]["name"]),
        "",
        "--",
        f"English: the {english} {record.number} for {record.run.month} is attached"
        + (f"; {_zl(to_pay)} zł is due on {record.due_on.isoformat()}." if to_pay else "; nothing is to be paid."),
    )


def _zl(grosz: int) -> str:
    whole, rest = divmod(grosz, _GROSZ)
    return f"{whole},{rest:02}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
