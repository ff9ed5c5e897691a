"""Send and receive: whom, how much, what for; the device signs, the server passes it on unchanged."""

from dataclasses import replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

import segno
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import viewer, workspace
from ogniwo.interfaces.web.registry import own_page, wallet_page
from ogniwo.interfaces.web.wallet.answers import answers_json, body_of, facts_of, said, shared_texts, text_of, view_of
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.access.viewers import OutOfSightError, Standing
from ogniwo.services.ledger.sending import (
    TEXT_MAX,
    PayableBill,
    PaymentText,
    find_taker,
    own_alias,
    payable_bill,
    take_envelope,
)
from ogniwo.services.ledger.wallets import PaidBill, paid_bills

_LOOKUPS_MAX: Final = 60
_HOUR_S: Final = 3_600
_FIELDS: Final = ("to", "account", "amount", "text", "until")


class TooManyLookupsError(Refusal):
    """Somebody looks members up by the dozen; he may go on in an hour."""

    code = "wallet.too_many"


@wallet_page("tokens/send/", name="wallet_tokens_send")
def send(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:
    """Fill in, look at what will be signed, confirm, receipt; a request or a bill fills in for the member."""
    seen = view_of(standing)
    place = {"code": code, "number": number}
    asked = {name: request.GET.get(name, "").strip()[:TEXT_MAX] for name in _FIELDS}
    bill, paid = _bill(standing, request.GET.get("bill", "")) if seen else (None, ())
    urls = {
        "taker": reverse("wallet_tokens_taker", kwargs=place),
        "submit": reverse("wallet_tokens_submit", kwargs=place),
        "receipt": reverse("wallet_check_transaction", kwargs={**place, "transaction": "0" * 64}),
        "consistency": reverse("wallet_check_consistency", kwargs=place),
        "checkpoint": reverse("wallet_check_checkpoint", kwargs=place),
        "wallet": reverse("wallet_tokens", kwargs=place),
        "devices": reverse("wallet_devices", kwargs=place),
    }
    facts = facts_of(request, standing, seen, code=code, urls=urls)
    if bill is not None:
        facts["bill"] = {
            "number": bill.number,
            "account": bill.taker.account,
            "name": bill.taker.name,
            "amount": bill.amount,
            "anchor": bill.anchor,
        }
    context = {
        "seen": seen,
        "asked": asked,
        "ended": bool(asked["until"]) and asked["until"] < workspace().today().isoformat(),
        "bill": bill,
        "paid": paid,
        "text_max": TEXT_MAX,
        "facts": facts,
        "texts": _texts(),
        "urls": urls,
    }
    return render(request, "web/wallet/send.html", context)


def _bill(standing: Standing, number: str) -> tuple[PayableBill | None, tuple[PaidBill, ...]]:
    """The bill with what is left of it, and what was paid for it; one that is paid is offered whole, with a warning."""
    if not number:
        return None, ()
    bill = payable_bill(subject=standing.subject, number=number)
    paid = paid_bills(workspace(), subject=standing.subject).get(number, ())
    left = bill.amount - sum(one.amount for one in paid)
    return (replace(bill, amount=left) if left > 0 else bill), paid


def _texts() -> dict[str, str]:
    return {
        **shared_texts(),
        "no_amount": _("Write the amount in złotys, for example 12,50."),
        "no_taker": _("Write the number of a member, or choose a contact."),
        "too_much": _("You have %(available)s zł. That is too little."),
        "other_account": _(
            "Careful: %(number)s had another account when you last paid. Ask the recipient before you confirm."
        ),
        "code_account": _("The code names another account than your organisation does. It was not taken."),
        "no_code": _("This is not a payment code of Ogniwo."),
        "no_camera": _("The camera cannot be used here. Paste the code instead."),
        "unknown": _(
            "There was no answer, so it is not known yet whether you paid. Send it again: it is never paid twice."
        ),
        "paid": _("Paid"),
        "reserved": _("Reserved"),
        "was_paid": _("This payment had arrived already. It was paid once."),
        "not_paid": _("Not paid"),
        "resumed": _("A payment from before waits for its answer: %(amount)s zł for %(name)s."),
        "forked": _("The ledger contradicts what this device has seen. Nothing is paid until that is cleared up."),
        "verified": _("This device has checked the receipt itself."),
        "unverified": _("The receipt could not be checked here."),
        "nothing_due": _("Nothing waits."),
        "block": _("block %(height)s, %(time)s"),
        "community": _("your organisation"),
    }


@wallet_page("tokens/taker/", name="wallet_tokens_taker")
@answers_json
def taker(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """The member of the same community with a number; so many an hour that nobody reads out the list."""
    place = f"wallet-taker-{viewer(request).user_id}"
    cache.add(place, 0, _HOUR_S)
    if cache.incr(place) > _LOOKUPS_MAX:
        raise TooManyLookupsError(detail=f"at most {_LOOKUPS_MAX} members an hour")
    found = find_taker(subject=standing.subject, number=request.GET.get("number", ""))
    return {"number": found.number, "name": found.name, "account": found.account}


@wallet_page("tokens/submit/", name="wallet_tokens_submit", methods=("POST",))
@answers_json
def submit(request: HttpRequest, standing: Standing, *, code: str, number: str) -> Any:  # noqa: ANN401, ARG001
    """Put what a device signed on the ledger; the same again gives the same answer."""
    body = body_of(request)
    words = body.get("words")
    text = PaymentText(salt=text_of(words, "salt"), text=text_of(words, "text")) if isinstance(words, dict) else None
    taken = take_envelope(
        workspace(),
        subject=standing.subject,
        envelope=text_of(body, "envelope").encode(),
        words=text,
        by=viewer(request).login,
    )
    return {
        "transaction": taken.transaction,
        **said(taken.code, taken.detail),
        "height": taken.height,
        "log_index": taken.log_index,
        "time": taken.time_s,
        "again": taken.again,
    }


@wallet_page("tokens/receive/", name="wallet_tokens_receive")
def receive(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """One's own code, and a request for an amount as a link and a code."""
    own = own_alias(subject=standing.subject)
    asked = {name: request.GET.get(name, "").strip()[:TEXT_MAX] for name in ("amount", "text", "until")}
    wrong = _wrong(asked)
    told = {} if wrong else {name: value for name, value in asked.items() if value}
    query = urlencode({"to": own.number, "account": own.account, **told})
    link = request.build_absolute_uri(f"{reverse('wallet_pay', kwargs={'code': code})}?{query}")
    drawn = segno.make(link, error="m", micro=False)
    context = {
        "own": own,
        "asked": asked,
        "wrong": wrong,
        "link": link,
        "qr": drawn.svg_inline(scale=1, border=4, dark="#000", light="#fff", omitsize=True),
        "today": workspace().today().isoformat(),
        "text_max": TEXT_MAX,
        "texts": {**shared_texts(), "copied": _("The link is copied.")},
    }
    return render(request, "web/wallet/receive.html", context)


def _wrong(asked: dict[str, str]) -> dict[str, str]:
    """What is wrong with a request, by field."""
    found = {}
    whole, _point, part = asked["amount"].replace(" ", "").replace(",", ".").partition(".")
    if asked["amount"] and not (
        whole.isdecimal() and len(whole) < 10 and (not part or part.isdecimal()) and len(part) < 3
    ):
        found["amount"] = _("Write the amount in złotys, for example 12,50.")
    try:
        ends = date.fromisoformat(asked["until"]) if asked["until"] else None
    except ValueError:
        found["until"] = _("Write the date as year-month-day.")
    else:
        if ends is not None and ends < workspace().today():
            found["until"] = _("The date has passed.")
    return found


@own_page("pay/<slug:code>/", name="wallet_pay", act=Act.OWN_WALLET)
def pay(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001
    """Where a payment code leads: into the wallet of whoever opens it, with everything filled in."""
    for own in viewer(request).standings:
        if own.role == Role.MEMBER and own.code == code and own.member_number != request.GET.get("to"):
            target = reverse("wallet_tokens_send", kwargs={"code": code, "number": own.member_number})
            return redirect(f"{target}?{request.GET.urlencode()}")
    raise OutOfSightError(detail="you have no wallet from which this can be paid")
