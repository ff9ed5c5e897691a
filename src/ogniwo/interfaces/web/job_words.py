"""Jobs in the words of people: their kinds, their steps, the rows of the schedule, when these come."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ogniwo.services.jobs.schedule import Rule

KINDS: Final[dict[str, Promise]] = {
    "import_files": gettext_lazy("Import of files"),
    "close_period": gettext_lazy("Close of a month"),
    "issue_bills": gettext_lazy("Issue of bills"),
    "post_period": gettext_lazy("Posting to the ledger"),
    "export_bills": gettext_lazy("Export of bills"),
    "mail_bills": gettext_lazy("Bills by e-mail"),
    "send_mail": gettext_lazy("Mail"),
    "verify_ledger": gettext_lazy("Check of the ledger"),
    "check_data": gettext_lazy("Check of the data"),
    "pull_sites": gettext_lazy("Data of other installations"),
    "check_watches": gettext_lazy("Check for alarms"),
    "clean_up": gettext_lazy("Clearing away of what expired"),
}

STATES: Final[dict[str, Promise]] = {
    "queued": gettext_lazy("waiting"),
    "running": gettext_lazy("running"),
    "done": gettext_lazy("done"),
    "failed": gettext_lazy("failed"),
    "cancelled": gettext_lazy("cancelled"),
}

_STEPS: Final[dict[str, Promise]] = {
    "balance": gettext_lazy("balancing the energy"),
    "rate": gettext_lazy("pricing"),
    "settle": gettext_lazy("settling"),
    "issue": gettext_lazy("issuing bills"),
    "post": gettext_lazy("posting to the ledger"),
    "check": gettext_lazy("checking points"),
    "checking": gettext_lazy("checking files"),
    "check watches": gettext_lazy("looking for alarms"),
    "importing": gettext_lazy("importing files"),
    "clean up": gettext_lazy("clearing away"),
    "received files": gettext_lazy("received files"),
    "interval store": gettext_lazy("interval store"),
    "ledger": gettext_lazy("ledger"),
    "time stamps of checkpoints": gettext_lazy("time stamps of checkpoints"),
    "metering tokens against readings": gettext_lazy("metering tokens against readings"),
    "commitments against documents": gettext_lazy("commitments against documents"),
    "invoices": gettext_lazy("invoices"),
    "claims against invoices": gettext_lazy("claims against invoices"),
    "contracts": gettext_lazy("e-contracts"),
    "invoice pictures": gettext_lazy("pictures of bills"),
}

_COUNTS: Final[dict[str, Promise]] = {
    "sign_ins": gettext_lazy("Expired sign-ins removed"),
    "invitations": gettext_lazy("Expired invitations withdrawn"),
    "uploads": gettext_lazy("Files of failed jobs removed"),
    "files": gettext_lazy("Files to take away removed"),
    "queue_rows": gettext_lazy("Old rows of the queue removed"),
}


WEEKDAY_NAMES: Final[dict[str, Promise]] = {
    "mon": gettext_lazy("Monday"),
    "tue": gettext_lazy("Tuesday"),
    "wed": gettext_lazy("Wednesday"),
    "thu": gettext_lazy("Thursday"),
    "fri": gettext_lazy("Friday"),
    "sat": gettext_lazy("Saturday"),
    "sun": gettext_lazy("Sunday"),
}


def weekday_label(weekday: str) -> str:
    """What a weekday of a rule is called."""
    return str(WEEKDAY_NAMES[weekday])


def kind_label(kind: str) -> str:
    """What a kind of job is called."""
    return str(KINDS.get(kind, kind))


def step_label(text: str) -> str:
    """What a step is called; a number or a file name stays as it is."""
    if text.startswith("reading "):
        return _("reading %(name)s") % {"name": text.removeprefix("reading ")}
    return str(_STEPS.get(text, text))


def count_label(name: str) -> str:
    """What a count of a result is called."""
    return str(_COUNTS.get(name, name))


def rule_label(rule: str) -> str:
    """When a row of the schedule comes."""
    parsed = Rule.parse(rule)
    at = f"{parsed.hour:02}:{parsed.minute:02}"
    if parsed.weekday:
        return _("every %(weekday)s at %(at)s") % {"weekday": weekday_label(parsed.weekday), "at": at}
    if parsed.day:
        return _("on day %(day)s of the month at %(at)s") % {"day": parsed.day, "at": at}
    return _("every day at %(at)s") % {"at": at}
