"""The bills of a month by e-mail, each document once to each address."""

from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any, Final

from django.core.mail import EmailMessage, get_connection

from ogniwo.services.access.roles import Act
from ogniwo.services.billing.mailing import Letter, claim, give_back, keep_sent, letters_of, written
from ogniwo.services.jobs.kinds import JobContext, job_kind

_SAID_NO: Final = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)
"""What a server answers that has not taken a letter. After anything else it may have."""


@job_kind("mail_bills", act=Act.ISSUE_BILLS, attempts=4)
def mail_bills(context: JobContext, *, month: str) -> dict[str, Any]:
    """Send the documents of a month that were not sent: `month`, `documents`, `sent` in all, `now` by this attempt.

    `without` are members with no address, `declined` those who want none by e-mail, `refused` documents that the server
    did not take, `unclear` documents of which nobody knows whether they were. A server that does not answer is asked
    again.
    """
    before = letters_of(subject=context.subject, month=month)
    refused: list[str] = []
    now = 0
    for done, letter in enumerate(before.waiting):
        context.progress(done, len(before.waiting), letter.number)
        message = written(context.workspace, letter, subject=context.subject)
        # Asked before the claim: a server that is not there leaves nothing in doubt.
        with get_connection() as server:
            if not claim(context.workspace, letter, subject=context.subject):
                continue
            if _taken(server, message, letter):
                keep_sent(context.workspace, letter)
                now += 1
            else:
                refused.append(letter.number)
    after = letters_of(subject=context.subject, month=month)
    return {
        "month": month,
        "documents": after.documents,
        "sent": len(after.sent),
        "now": now,
        "without": list(after.without),
        "declined": list(after.declined),
        "refused": refused,
        "unclear": sorted({one.number for one in after.unclear}),
    }


def _taken(server: Any, message: EmailMessage, letter: Letter) -> bool:  # noqa: ANN401 -- Django types no backend
    try:
        return bool(server.send_messages([message]))
    except _SAID_NO:
        give_back(letter)
        return False
