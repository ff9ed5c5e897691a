"""Verify: what the device needs to check bills, readings and payments itself, and to notice a ledger that forked."""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.calendar import WARSAW
from ogniwo.interfaces.web.context import month_of, workspace
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.answers import BadRequestError, answers_json, facts_of, shared_texts, view_of
from ogniwo.services.access.viewers import Standing
from ogniwo.services.billing.access import listed_documents
from ogniwo.services.ledger.proving import (
    checkpoint_verifier,
    prove_consistency,
    prove_document,
    prove_interval,
    prove_transaction,
    shown_checkpoint,
    witness_policy,
)
from ogniwo.services.ledger.wallets import metering_tokens, transaction_of

_NOTE_MAX: Final = 8_000


@wallet_page("check/", name="wallet_check")
def check(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Choose a bill or a reading; the device checks it against what it holds, also offline."""
    place = {"code": code, "number": number}
    seen = view_of(standing)
    month = month_of(request)
    rows = metering_tokens(workspace(), subject=standing.subject, month=month) if seen else ()
    urls = {
        "checkpoint": reverse("wallet_check_checkpoint", kwargs=place),
        "consistency": reverse("wallet_check_consistency", kwargs=place),
        "bill": reverse("wallet_check_bill", kwargs=place),
        "reading": reverse("wallet_check_reading", kwargs=place),
        "receipt": reverse("wallet_check_transaction", kwargs={**place, "transaction": "0" * 64}),
    }
    context = {
        "seen": seen,
        "bills": listed_documents(subject=standing.subject) if seen else [],
        "readings": rows,
        "shown_month": month,
        "day": rows[0].last_day if rows else "",
        "transaction": request.GET.get("transaction", ""),
        "facts": facts_of(request, standing, seen, code=code, urls=urls),
        "texts": _texts(),
    }
    return render(request, "web/wallet/check.html", context)


def _texts() -> dict[str, str]:
    return {
        **shared_texts(),
        "holds": _("This device holds the ledger as of %(time)s: %(size)s entries. First seen on %(since)s."),
        "holds_nothing": _("This device holds nothing of the ledger yet."),
        "fresh": _("The ledger of now continues it."),
        "key": _("Key of the ledger: %(key)s"),
        "good": _("It holds. This device checked it itself:"),
        "bad": _("It does not hold:"),
        "not_checked": _("What this does not say:"),
        "witnesses": _("Witnesses: %(quorum)s of %(count)s have to sign."),
        "no_witnesses": _("No witnesses are named: the operator alone signs the ledger's state."),
        "kept": _("Kept on this device; it can be checked offline."),
        "nothing_kept": _("Nothing is kept here yet. Check something once while you are online."),
        "again": _("Check it"),
        "remove": _("Remove"),
        "bill": _("Bill %(name)s"),
        "reading": _("Reading %(name)s"),
        "transaction": _("Payment %(name)s"),
        "forked_title": _("The ledger was changed behind your back"),
        "forked": _(
            "What the ledger shows now contradicts what this device saw before. Both are signed with the operator's "
            "key. Do not trust new receipts; save the evidence and show it to your organisation or an auditor."
        ),
        "save": _("Save the evidence"),
        "code": _("Code: %(code)s"),
        "no_reading": _("There is no reading of that time on the ledger."),
        "refused proof.not_found": _("This is not on the ledger."),
    }


@wallet_page("check/checkpoint/", name="wallet_check_checkpoint")
@answers_json
def checkpoint(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """The signed note of now, the key it is signed with, and the witnesses, if any."""
    policy = witness_policy(workspace())
    return {
        "network": workspace().network,
        "note": shown_checkpoint(workspace()),
        "key": checkpoint_verifier(workspace()),
        "policy": {"witnesses": list(policy[0]), "quorum": policy[1]} if policy else None,
    }


@wallet_page("check/consistency/", name="wallet_check_consistency")
@answers_json
def consistency(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """The proof that the ledger of now continues an older note (`older`, its text)."""
    older = request.GET.get("older", "")
    if not older or len(older) > _NOTE_MAX:
        raise BadRequestError(detail="`older` is a signed note")
    return prove_consistency(workspace(), older=older)


@wallet_page("check/bill/", name="wallet_check_bill")
@answers_json
def bill(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """The receipt of an own bill (`id`, its number) with the document."""
    name = request.GET.get("id", "")
    return prove_document(workspace(), kind="invoice", natural_id=name, subject=standing.subject)


@wallet_page("check/reading/", name="wallet_check_reading")
@answers_json
def reading(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """The receipt of a day of readings with one interval: `id` is POINT|CHANNEL|LOCAL TIME."""
    point, channel, at = [*request.GET.get("id", "").split("|"), "", "", ""][:3]
    try:
        moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(WARSAW)).astimezone(UTC)
    except ValueError as error:
        raise BadRequestError(detail="the time is not year-month-dayThour:minute") from error
    return prove_interval(workspace(), point_code=point, channel=channel, at=moment, subject=standing.subject)


@wallet_page("check/transaction/<str:transaction>/", name="wallet_check_transaction")
@answers_json
def transaction(
    request: HttpRequest,  # noqa: ARG001
    standing: Standing,
    *,
    code: str,  # noqa: ARG001
    number: str,  # noqa: ARG001
    transaction: str,
) -> Any:  # noqa: ANN401
    """The receipt of a transaction that concerns the member."""
    if len(transaction) != 64 or set(transaction) - set("0123456789abcdef"):
        raise BadRequestError(detail="a transaction is named by 64 hexadecimal digits")
    return prove_transaction(
        workspace(), name=transaction_of(workspace(), subject=standing.subject, name=transaction).name
    )
