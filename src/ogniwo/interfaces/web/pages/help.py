"""The help: keys and words. It is there for everybody who is signed in or comes by an invitation."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ogniwo.interfaces.web.context import NOUNS
from ogniwo.interfaces.web.registry import open_page
from ogniwo.services.access.viewers import Standing

WORDS: Final = (
    (_("Metering point (PPE)"), _("Where energy is taken from the grid or fed into it; it has a code of 18 digits.")),
    (_("Interval"), _("A quarter-hour or an hour with the energy that flowed in it.")),
    (_("Channel"), _("What an interval counts: energy taken (1.29.0), fed in (2.29.0), reactive energy.")),
    (_("Gap"), _("Intervals without a value. A gap is never a zero; a month with gaps is not billed.")),
    (_("Estimate"), _("A value put in place of a missing one, marked as such up to the bill, with its method.")),
    (_("Netting"), _("Energy taken and fed in within the same hour is set against each other.")),
    (_("From the community"), _("Energy that a member used in the same hour in which another member gave it.")),
    (_("Pool"), _("Energy given at other hours that the law lets the cooperative take back, within twelve months.")),
    (_("From the grid"), _("Energy that is left to be paid in full.")),
    (_("Surplus"), _("Energy given that nobody in the community used in that hour; it goes to the pool.")),
    (_("Run"), _("One calculation of a month. It is never changed: new data make the next version.")),
    (_("Statement"), _("What one point owes and is owed in a run, line by line.")),
    (_("Correction"), _("A document with the difference between the bill issued before and the new version.")),
    (_("Ledger"), _("A list that only grows. Whoever keeps one of its checkpoints notices any later change.")),
    (_("Receipt"), _("A proof that a document or a reading is on the ledger; anyone can check it without us.")),
    (_("Token"), _("A unit on the ledger: of measured energy (it never moves) or of money owed.")),
)
"""Words of the pages in plain sentences."""


@open_page("help/", name="help")
def show_help(request: HttpRequest, standing: Standing | None) -> HttpResponse:  # noqa: ARG001
    """Keys and words."""
    keys = [(key, label) for _name, key, label, _act in NOUNS]
    return render(request, "web/help.html", {"keys": keys, "words": WORDS})
