"""What a member chose: consents given and withdrawn, the language of his documents."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.messages.models import Consent, DocumentLanguage
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

BILLS_BY_MAIL: Final = "bills_by_mail"
COMPARISON: Final = "comparison"
LANGUAGES: Final = ("pl", "en")


class ConsentTextError(Refusal):
    """The text that was agreed to is not the one that counts now, or there is none of that kind: read it again."""

    code = "consent.text"


class UnknownChoiceError(Refusal):
    """A language or a size that there is not."""

    code = "choice.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """What is asked now: the newest version of a kind."""

    kind: str
    version: int
    pl: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """A kind with its text of today and the member's last word: `given` None where he has said nothing.

    `said` is the text that he agreed to or withdrew, of version `said_version`.
    """

    text: ConsentText
    given: bool | None
    said: str
    said_version: int
    by: str
    at: datetime | None

    @property
    def outdated(self) -> bool:
        """Whether he agreed to an earlier text than the one that counts now."""
        return bool(self.given) and self.said_version != self.text.version


@lru_cache(maxsize=1)
def consent_texts() -> dict[str, ConsentText]:
    """The newest text of each kind, in the order of the file."""
    rows = tomllib.loads(files("ogniwo.data").joinpath("consents/texts.toml").read_text(encoding="utf-8"))["consent"]
    return {row["kind"]: ConsentText(**row) for row in sorted(rows, key=lambda row: int(row["version"]))}


def consents_of(*, subject: Subject) -> tuple[ConsentState, ...]:
    """Each kind with what the member said last."""
    rows = Consent.objects.all().visible_to(subject).filter(member__number=subject.member_number)
    last = {row.kind: row for row in rows.order_by("id")}
    return tuple(
        ConsentState(
            text=text,
            given=last[kind].given if kind in last else None,
            said=last[kind].text if kind in last else "",
            said_version=last[kind].version if kind in last else 0,
            by=last[kind].by if kind in last else "",
            at=last[kind].at if kind in last else None,
        )
        for kind, text in consent_texts().items()
    )


def agrees(kind: str, *, subject: Subject) -> bool:
    """Whether the member has agreed and not withdrawn."""
    return any(one.given for one in consents_of(subject=subject) if one.text.kind == kind)


def who_declined(kind: str, members: Iterable[int]) -> frozenset[int]:
    """Of the members with these keys, those whose last word on a kind was no; who said nothing is none of them."""
    rows = Consent.objects.filter(kind=kind, member_id__in=set(members)).order_by("id")
    last = dict(rows.values_list("member_id", "given"))
    return frozenset(member for member, given in last.items() if not given)


@transaction.atomic
def say_consent(
    workspace: Workspace, *, subject: Subject, kind: str, given: bool, version: int, language: str, by: str
) -> None:
    """Write down that the member agrees to, or withdraws, the text of a version; his last word again changes nothing.

    Raises ConsentTextError when the text is another one by now.
    """
    text = consent_texts().get(kind)
    if text is None or text.version != version:
        raise ConsentTextError(detail=f"{kind} version {version} is not what is asked now")
    (state,) = (one for one in consents_of(subject=subject) if one.text.kind == kind)
    if state.given is given and not state.outdated:
        return
    Consent.objects.create(
        member=_member(subject),
        kind=kind,
        version=version,
        text=text.en if language == "en" else text.pl,
        given=given,
        by=by,
        at=workspace.now(),
    )
    facts = {"kind": kind, "version": version, "given": given}
    record_act(workspace, action="consent.say", target=subject.member_number, facts=facts, subject=by)


def document_language(member_id: int) -> str:
    """The language a member chose for his documents, "" where he has not."""
    return DocumentLanguage.objects.filter(member_id=member_id).values_list("language", flat=True).first() or ""


def own_document_language(*, subject: Subject) -> str:
    """The same for the member that a subject is."""
    return document_language(_member(subject).pk)


@transaction.atomic
def choose_document_language(workspace: Workspace, *, subject: Subject, language: str, by: str) -> None:
    """Keep the language of the member's documents; "" takes the choice back. Raises UnknownChoiceError."""
    if language not in ("", *LANGUAGES):
        raise UnknownChoiceError(detail=f"there are no documents in {language[:20]!r}")
    member = _member(subject)
    before = document_language(member.pk)
    if before == language:
        return
    DocumentLanguage.objects.filter(member=member).delete()
    if language:
        DocumentLanguage.objects.create(member=member, language=language)
    facts = {"before": before, "after": language}
    record_act(workspace, action="member.document_language", target=member.number, facts=facts, subject=by)


def _member(subject: Subject) -> Member:
    return Member.objects.all().visible_to(subject).get(number=subject.member_number)
