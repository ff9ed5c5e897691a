# Written by `tools/generate_client.py` from docs/openapi.json; change the API, then run it again.
"""A method for each operation of the API."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from ogniwo_client.models import (
    AlarmOut,
    AlarmPage,
    BalanceOut,
    BalancePage,
    BillDocumentOut,
    BillOut,
    BillPage,
    BillReasonsOut,
    BillsOrder,
    CalculationIn,
    CalculationOut,
    CompletenessOut,
    DeliveryOut,
    DeliveryPage,
    EnvelopeIn,
    EstimateOrder,
    EstimatePreview,
    EstimatesOut,
    FileDetailsOut,
    FileOut,
    FilePage,
    FindingOut,
    FindingPage,
    IntervalOut,
    IntervalPage,
    JobOut,
    JobPage,
    LedgerHeadOut,
    Meaning,
    MemberDetailsOut,
    MemberOut,
    MemberPage,
    MeOut,
    MonthOrder,
    MovementOut,
    MovementPage,
    NewSchedule,
    NewWebhook,
    OlderCheckpoint,
    OrganisationOut,
    OrganisationPage,
    PointDetailsOut,
    PointOut,
    PointPage,
    PreviewOut,
    RateOut,
    RatePage,
    RunOut,
    RunPage,
    RunStateOut,
    ScheduleChange,
    ScheduleOut,
    SchedulePage,
    StatementOut,
    StatementPage,
    SubmittedOut,
    WebhookChange,
    WebhookMadeOut,
    WebhookOut,
    WebhookPage,
)
from ogniwo_client.transport import Transport, Versioned, form_body, json_body, new_key, part


class Client(Transport):
    """The API of one server, version 1.2.0."""

    def accept_estimates(self, code: str, body: EstimateOrder, *, idempotency_key: str | None = None) -> EstimatesOut:
        """Put estimates in the place of missing intervals, as new versions, with the reason in the log."""
        return cast(
            "EstimatesOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/estimates",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def approve_settlement(
        self, code: str, month: str, *, if_match: str, idempotency_key: str | None = None
    ) -> Versioned[RunStateOut]:
        """Approve the newest settlement as a second person, who is signed in; If-Match is the ETag looked at."""
        reply = self._ask(
            "POST",
            f"/api/v1/organisations/{part(code)}/settlement-runs/{part(month)}/approval",
            headers={"If-Match": if_match, "Idempotency-Key": idempotency_key or new_key()},
            repeatable=True,
        )
        return Versioned(cast("RunStateOut", json.loads(reply.body)), reply.headers["etag"])

    def calculate_price(self, body: CalculationIn) -> CalculationOut:
        """The price of a month on a tariff: every line with its rates and their sources. Nothing is stored."""
        return cast(
            "CalculationOut",
            json.loads(
                self._ask(
                    "POST", "/api/v1/calculations", body=json_body(body), kind="application/json", repeatable=False
                ).body
            ),
        )

    def cancel_job(self, code: str, job: str, *, idempotency_key: str | None = None) -> JobOut:
        """Cancel a job: at once while it waits, at its next sign of progress while it runs."""
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/jobs/{part(job)}/cancellation",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    repeatable=True,
                ).body
            ),
        )

    def create_schedule(self, code: str, body: NewSchedule, *, idempotency_key: str | None = None) -> ScheduleOut:
        """Let work begin by itself. The caller needs the act of its kind as well."""
        return cast(
            "ScheduleOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/schedules",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def create_webhook(self, code: str, body: NewWebhook, *, idempotency_key: str | None = None) -> WebhookMadeOut:
        """Tell an address of events from now on; the answer holds the secret that signs, this once."""
        return cast(
            "WebhookMadeOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/webhooks",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def delete_schedule(self, code: str, schedule: str, *, if_match: str) -> None:
        """Take a row from the schedule; what every installation has is paused instead."""
        self._ask(
            "DELETE",
            f"/api/v1/organisations/{part(code)}/schedules/{part(schedule)}",
            headers={"If-Match": if_match},
            repeatable=False,
        )

    def delete_webhook(self, code: str, webhook: str, *, if_match: str) -> None:
        """Remove a webhook; If-Match is the ETag that was read. What was sent stays in the log."""
        self._ask(
            "DELETE",
            f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}",
            headers={"If-Match": if_match},
            repeatable=False,
        )

    def export_intervals(
        self,
        code: str,
        *,
        month: str,
        point: Sequence[str] | None = None,
        channel: Sequence[str] | None = None,
        accept: Literal["text/csv", "application/x-ndjson", "application/vnd.apache.parquet"] = "text/csv",
    ) -> bytes:
        """A month's intervals of all points or of those named, as CSV, JSON lines or Parquet by `Accept`."""
        return self._ask(
            "GET",
            f"/api/v1/organisations/{part(code)}/intervals",
            query={"month": month, "point": point, "channel": channel},
            headers={"Accept": accept},
            repeatable=True,
        ).body

    def get_alarm(self, code: str, alarm_id: str) -> Versioned[AlarmOut]:
        """One alarm."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/alarms/{part(alarm_id)}", repeatable=True)
        return Versioned(cast("AlarmOut", json.loads(reply.body)), reply.headers["etag"])

    def get_bill(self, code: str, bill: str) -> Versioned[BillDocumentOut]:
        """One bill as its canonical document."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/bills/{part(bill)}", repeatable=True)
        return Versioned(cast("BillDocumentOut", json.loads(reply.body)), reply.headers["etag"])

    def get_bill_pdf(self, code: str, bill: str) -> bytes:
        """The bill as PDF, in the language of the request."""
        return self._ask(
            "GET",
            f"/api/v1/organisations/{part(code)}/bills/{part(bill)}/pdf",
            headers={"Accept": "application/pdf"},
            repeatable=True,
        ).body

    def get_bill_reasons(self, code: str, bill: str) -> BillReasonsOut:
        """Why each line of the bill is what it is, down to the hours and the sources of the rates."""
        return cast(
            "BillReasonsOut",
            json.loads(
                self._ask("GET", f"/api/v1/organisations/{part(code)}/bills/{part(bill)}/reasons", repeatable=True).body
            ),
        )

    def get_bill_receipt(self, code: str, bill: str) -> dict[str, Any]:
        """The receipt of the bill from the ledger: anyone can check it offline (docs/ledger.md)."""
        return cast(
            "dict[str, Any]",
            json.loads(
                self._ask("GET", f"/api/v1/organisations/{part(code)}/bills/{part(bill)}/receipt", repeatable=True).body
            ),
        )

    def get_completeness(self, code: str, *, month: str) -> CompletenessOut:
        """How much of a month is there, channel by channel, by the check that decides whether it is billed."""
        return cast(
            "CompletenessOut",
            json.loads(
                self._ask(
                    "GET", f"/api/v1/organisations/{part(code)}/completeness", query={"month": month}, repeatable=True
                ).body
            ),
        )

    def get_file(self, code: str, sha256: str) -> Versioned[FileDetailsOut]:
        """One received file with every finding."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/files/{part(sha256)}", repeatable=True)
        return Versioned(cast("FileDetailsOut", json.loads(reply.body)), reply.headers["etag"])

    def get_interval_receipt(self, code: str, ppe: str, *, channel: str, at: str) -> dict[str, Any]:
        """The receipt of the day that holds an instant, with the one interval revealed.

        Anyone can check it offline.
        """
        return cast(
            "dict[str, Any]",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/points/{part(ppe)}/receipt",
                    query={"channel": channel, "at": at},
                    repeatable=True,
                ).body
            ),
        )

    def get_job(self, code: str, job: str) -> Versioned[JobOut]:
        """One job: ask again until `state` is done, failed or cancelled."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/jobs/{part(job)}", repeatable=True)
        return Versioned(cast("JobOut", json.loads(reply.body)), reply.headers["etag"])

    def get_ledger(self, code: str) -> LedgerHeadOut:
        """The head of the ledger."""
        return cast(
            "LedgerHeadOut",
            json.loads(self._ask("GET", f"/api/v1/organisations/{part(code)}/ledger", repeatable=True).body),
        )

    def get_me(self) -> MeOut:
        """Who the caller is, what he may do where, and how often."""
        return cast("MeOut", json.loads(self._ask("GET", "/api/v1/me", repeatable=True).body))

    def get_member(self, code: str, number: str, *, month: str | None = None) -> Versioned[MemberDetailsOut]:
        """One member with his address."""
        reply = self._ask(
            "GET", f"/api/v1/organisations/{part(code)}/members/{part(number)}", query={"month": month}, repeatable=True
        )
        return Versioned(cast("MemberDetailsOut", json.loads(reply.body)), reply.headers["etag"])

    def get_openapi(self) -> bytes:
        """The OpenAPI 3.1 document of this API."""
        return self._ask(
            "GET",
            "/api/v1/openapi.json",
            headers={"Accept": "application/vnd.oai.openapi+json;version=3.1"},
            repeatable=True,
        ).body

    def get_organisation(self, code: str) -> Versioned[OrganisationOut]:
        """One organisation."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}", repeatable=True)
        return Versioned(cast("OrganisationOut", json.loads(reply.body)), reply.headers["etag"])

    def get_point(self, code: str, ppe: str) -> Versioned[PointDetailsOut]:
        """One point with meters, contracts, memberships and the months it has values for."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/points/{part(ppe)}", repeatable=True)
        return Versioned(cast("PointDetailsOut", json.loads(reply.body)), reply.headers["etag"])

    def get_problem(self, code: str) -> Meaning:
        """What the code of a problem means: the page its `type` points to."""
        return cast("Meaning", json.loads(self._ask("GET", f"/api/v1/problems/{part(code)}", repeatable=True).body))

    def get_schedule(self, code: str, schedule: str) -> Versioned[ScheduleOut]:
        """One row of the schedule."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/schedules/{part(schedule)}", repeatable=True)
        return Versioned(cast("ScheduleOut", json.loads(reply.body)), reply.headers["etag"])

    def get_settlement_run(self, code: str, month: str) -> Versioned[RunStateOut]:
        """How far the newest settlement of a month is."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/settlement-runs/{part(month)}", repeatable=True)
        return Versioned(cast("RunStateOut", json.loads(reply.body)), reply.headers["etag"])

    def get_webhook(self, code: str, webhook: str) -> Versioned[WebhookOut]:
        """One webhook."""
        reply = self._ask("GET", f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}", repeatable=True)
        return Versioned(cast("WebhookOut", json.loads(reply.body)), reply.headers["etag"])

    def issue_bills(self, code: str, body: BillsOrder, *, idempotency_key: str | None = None) -> JobOut:
        """Issue bills, or corrections, of an approved month: a job does it."""
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/bills",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def list_alarms(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["", "open", "waiting", "done"] | None = None,
        point: Sequence[str] | None = None,
        kind: Literal["", "silent", "above", "below", "power", "missing"]
        | Sequence[Literal["", "silent", "above", "below", "power", "missing"]]
        | None = None,
        sort: Literal[
            "",
            "id",
            "-id",
            "watch",
            "-watch",
            "point",
            "-point",
            "start",
            "-start",
            "raised_at",
            "-raised_at",
            "ended_at",
            "-ended_at",
        ]
        | None = None,
    ) -> AlarmPage:
        """The alarms of an organisation and of those below it."""
        return cast(
            "AlarmPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/alarms",
                    query={
                        "limit": limit,
                        "cursor": cursor,
                        "state": state,
                        "point": point,
                        "kind": kind,
                        "sort": sort,
                    },
                    repeatable=True,
                ).body
            ),
        )

    def all_alarms(
        self,
        code: str,
        *,
        limit: int | None = None,
        state: Literal["", "open", "waiting", "done"] | None = None,
        point: Sequence[str] | None = None,
        kind: Literal["", "silent", "above", "below", "power", "missing"]
        | Sequence[Literal["", "silent", "above", "below", "power", "missing"]]
        | None = None,
        sort: Literal[
            "",
            "id",
            "-id",
            "watch",
            "-watch",
            "point",
            "-point",
            "start",
            "-start",
            "raised_at",
            "-raised_at",
            "ended_at",
            "-ended_at",
        ]
        | None = None,
    ) -> Iterator[AlarmOut]:
        """Every row of `list_alarms`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/alarms",
            {"limit": limit, "state": state, "point": point, "kind": kind, "sort": sort},
        )

    def list_balances(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        asset: Sequence[str] | None = None,
        sort: Literal["", "account", "-account", "name", "-name", "asset", "-asset"] | None = None,
    ) -> BalancePage:
        """Balances of accounts; a member's own."""
        return cast(
            "BalancePage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/ledger/balances",
                    query={"limit": limit, "cursor": cursor, "asset": asset, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_balances(
        self,
        code: str,
        *,
        limit: int | None = None,
        asset: Sequence[str] | None = None,
        sort: Literal["", "account", "-account", "name", "-name", "asset", "-asset"] | None = None,
    ) -> Iterator[BalanceOut]:
        """Every row of `list_balances`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/ledger/balances", {"limit": limit, "asset": asset, "sort": sort}
        )

    def list_bills(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        month: Sequence[str] | None = None,
        member: Sequence[str] | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "number",
            "-number",
            "month",
            "-month",
            "issued_on",
            "-issued_on",
            "due_on",
            "-due_on",
            "member",
            "-member",
            "member_name",
            "-member_name",
            "net",
            "-net",
            "gross",
            "-gross",
        ]
        | None = None,
    ) -> BillPage:
        """Issued bills and corrections; a member's own."""
        return cast(
            "BillPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/bills",
                    query={
                        "limit": limit,
                        "cursor": cursor,
                        "month": month,
                        "member": member,
                        "kind": kind,
                        "sort": sort,
                    },
                    repeatable=True,
                ).body
            ),
        )

    def all_bills(
        self,
        code: str,
        *,
        limit: int | None = None,
        month: Sequence[str] | None = None,
        member: Sequence[str] | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "number",
            "-number",
            "month",
            "-month",
            "issued_on",
            "-issued_on",
            "due_on",
            "-due_on",
            "member",
            "-member",
            "member_name",
            "-member_name",
            "net",
            "-net",
            "gross",
            "-gross",
        ]
        | None = None,
    ) -> Iterator[BillOut]:
        """Every row of `list_bills`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/bills",
            {"limit": limit, "month": month, "member": member, "kind": kind, "sort": sort},
        )

    def list_deliveries(
        self,
        code: str,
        webhook: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["", "waiting", "delivered", "failed"]
        | Sequence[Literal["", "waiting", "delivered", "failed"]]
        | None = None,
        sort: Literal[
            "",
            "kind",
            "-kind",
            "state",
            "-state",
            "attempts",
            "-attempts",
            "made_at",
            "-made_at",
            "delivered_at",
            "-delivered_at",
        ]
        | None = None,
    ) -> DeliveryPage:
        """What was sent to a webhook, or waits."""
        return cast(
            "DeliveryPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}/deliveries",
                    query={"limit": limit, "cursor": cursor, "state": state, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_deliveries(
        self,
        code: str,
        webhook: str,
        *,
        limit: int | None = None,
        state: Literal["", "waiting", "delivered", "failed"]
        | Sequence[Literal["", "waiting", "delivered", "failed"]]
        | None = None,
        sort: Literal[
            "",
            "kind",
            "-kind",
            "state",
            "-state",
            "attempts",
            "-attempts",
            "made_at",
            "-made_at",
            "delivered_at",
            "-delivered_at",
        ]
        | None = None,
    ) -> Iterator[DeliveryOut]:
        """Every row of `list_deliveries`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}/deliveries",
            {"limit": limit, "state": state, "sort": sort},
        )

    def list_files(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        q: str | None = None,
        layout: Sequence[str] | None = None,
        sort: Literal[
            "",
            "received_at",
            "-received_at",
            "name",
            "-name",
            "layout",
            "-layout",
            "size_bytes",
            "-size_bytes",
            "intervals",
            "-intervals",
            "errors",
            "-errors",
            "warnings",
            "-warnings",
        ]
        | None = None,
    ) -> FilePage:
        """Received files, newest first."""
        return cast(
            "FilePage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/files",
                    query={"limit": limit, "cursor": cursor, "q": q, "layout": layout, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_files(
        self,
        code: str,
        *,
        limit: int | None = None,
        q: str | None = None,
        layout: Sequence[str] | None = None,
        sort: Literal[
            "",
            "received_at",
            "-received_at",
            "name",
            "-name",
            "layout",
            "-layout",
            "size_bytes",
            "-size_bytes",
            "intervals",
            "-intervals",
            "errors",
            "-errors",
            "warnings",
            "-warnings",
        ]
        | None = None,
    ) -> Iterator[FileOut]:
        """Every row of `list_files`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/files", {"limit": limit, "q": q, "layout": layout, "sort": sort}
        )

    def list_findings(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        month: str,
        point: Sequence[str] | None = None,
        finding: Sequence[str] | None = None,
        least: Literal["note", "warning", "error"] | None = None,
        sort: Literal[
            "", "point", "-point", "code", "-code", "channel", "-channel", "severity", "-severity", "start", "-start"
        ]
        | None = None,
    ) -> FindingPage:
        """What the rules found in a month's data."""
        return cast(
            "FindingPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/findings",
                    query={
                        "limit": limit,
                        "cursor": cursor,
                        "month": month,
                        "point": point,
                        "finding": finding,
                        "least": least,
                        "sort": sort,
                    },
                    repeatable=True,
                ).body
            ),
        )

    def all_findings(
        self,
        code: str,
        *,
        limit: int | None = None,
        month: str,
        point: Sequence[str] | None = None,
        finding: Sequence[str] | None = None,
        least: Literal["note", "warning", "error"] | None = None,
        sort: Literal[
            "", "point", "-point", "code", "-code", "channel", "-channel", "severity", "-severity", "start", "-start"
        ]
        | None = None,
    ) -> Iterator[FindingOut]:
        """Every row of `list_findings`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/findings",
            {"limit": limit, "month": month, "point": point, "finding": finding, "least": least, "sort": sort},
        )

    def list_intervals(
        self,
        code: str,
        ppe: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        month: str,
        channel: Sequence[str] | None = None,
        as_of: str | None = None,
        sort: Literal["", "channel", "-channel", "start", "-start"] | None = None,
    ) -> IntervalPage:
        """A point's intervals of a month, as they are or as they were known at an instant."""
        return cast(
            "IntervalPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/points/{part(ppe)}/intervals",
                    query={
                        "limit": limit,
                        "cursor": cursor,
                        "month": month,
                        "channel": channel,
                        "as_of": as_of,
                        "sort": sort,
                    },
                    repeatable=True,
                ).body
            ),
        )

    def all_intervals(
        self,
        code: str,
        ppe: str,
        *,
        limit: int | None = None,
        month: str,
        channel: Sequence[str] | None = None,
        as_of: str | None = None,
        sort: Literal["", "channel", "-channel", "start", "-start"] | None = None,
    ) -> Iterator[IntervalOut]:
        """Every row of `list_intervals`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/points/{part(ppe)}/intervals",
            {"limit": limit, "month": month, "channel": channel, "as_of": as_of, "sort": sort},
        )

    def list_jobs(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["queued", "running", "done", "failed", "cancelled"]
        | Sequence[Literal["queued", "running", "done", "failed", "cancelled"]]
        | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "kind",
            "-kind",
            "state",
            "-state",
            "by",
            "-by",
            "asked_at",
            "-asked_at",
            "started_at",
            "-started_at",
            "ended_at",
            "-ended_at",
        ]
        | None = None,
    ) -> JobPage:
        """The jobs of an organisation and of those below it, newest first."""
        return cast(
            "JobPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/jobs",
                    query={"limit": limit, "cursor": cursor, "state": state, "kind": kind, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_jobs(
        self,
        code: str,
        *,
        limit: int | None = None,
        state: Literal["queued", "running", "done", "failed", "cancelled"]
        | Sequence[Literal["queued", "running", "done", "failed", "cancelled"]]
        | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "kind",
            "-kind",
            "state",
            "-state",
            "by",
            "-by",
            "asked_at",
            "-asked_at",
            "started_at",
            "-started_at",
            "ended_at",
            "-ended_at",
        ]
        | None = None,
    ) -> Iterator[JobOut]:
        """Every row of `list_jobs`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/jobs", {"limit": limit, "state": state, "kind": kind, "sort": sort}
        )

    def list_members(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        month: str | None = None,
        q: str | None = None,
        state: Literal["", "settles", "ended", "later", "none"]
        | Sequence[Literal["", "settles", "ended", "later", "none"]]
        | None = None,
        sort: Literal[
            "",
            "number",
            "-number",
            "name",
            "-name",
            "kind",
            "-kind",
            "town",
            "-town",
            "points",
            "-points",
            "since",
            "-since",
            "until",
            "-until",
        ]
        | None = None,
    ) -> MemberPage:
        """The members of an organisation and of those below it, by number."""
        return cast(
            "MemberPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/members",
                    query={"limit": limit, "cursor": cursor, "month": month, "q": q, "state": state, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_members(
        self,
        code: str,
        *,
        limit: int | None = None,
        month: str | None = None,
        q: str | None = None,
        state: Literal["", "settles", "ended", "later", "none"]
        | Sequence[Literal["", "settles", "ended", "later", "none"]]
        | None = None,
        sort: Literal[
            "",
            "number",
            "-number",
            "name",
            "-name",
            "kind",
            "-kind",
            "town",
            "-town",
            "points",
            "-points",
            "since",
            "-since",
            "until",
            "-until",
        ]
        | None = None,
    ) -> Iterator[MemberOut]:
        """Every row of `list_members`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/members",
            {"limit": limit, "month": month, "q": q, "state": state, "sort": sort},
        )

    def list_movements(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        account: str,
        asset: Sequence[str] | None = None,
        sort: Literal["", "height", "-height", "time", "-time", "operation", "-operation"] | None = None,
    ) -> MovementPage:
        """The history of an account, newest first; the newest ten thousand movements."""
        return cast(
            "MovementPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/ledger/movements",
                    query={"limit": limit, "cursor": cursor, "account": account, "asset": asset, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_movements(
        self,
        code: str,
        *,
        limit: int | None = None,
        account: str,
        asset: Sequence[str] | None = None,
        sort: Literal["", "height", "-height", "time", "-time", "operation", "-operation"] | None = None,
    ) -> Iterator[MovementOut]:
        """Every row of `list_movements`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/ledger/movements",
            {"limit": limit, "account": account, "asset": asset, "sort": sort},
        )

    def list_organisations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["", "code", "-code", "name", "-name", "kind", "-kind", "town", "-town"] | None = None,
    ) -> OrganisationPage:
        """The organisations that the caller works in, and those below them."""
        return cast(
            "OrganisationPage",
            json.loads(
                self._ask(
                    "GET",
                    "/api/v1/organisations",
                    query={"limit": limit, "cursor": cursor, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_organisations(
        self,
        *,
        limit: int | None = None,
        sort: Literal["", "code", "-code", "name", "-name", "kind", "-kind", "town", "-town"] | None = None,
    ) -> Iterator[OrganisationOut]:
        """Every row of `list_organisations`, page after page."""
        return self._pages("/api/v1/organisations", {"limit": limit, "sort": sort})

    def list_points(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        q: str | None = None,
        member: Sequence[str] | None = None,
        role: Literal["", "consumer", "prosumer", "producer"]
        | Sequence[Literal["", "consumer", "prosumer", "producer"]]
        | None = None,
        group: Sequence[str] | None = None,
        sort: Literal[
            "",
            "ppe",
            "-ppe",
            "member",
            "-member",
            "member_name",
            "-member_name",
            "role",
            "-role",
            "peak_power_w",
            "-peak_power_w",
            "group",
            "-group",
            "town",
            "-town",
        ]
        | None = None,
    ) -> PointPage:
        """The metering points of an organisation and of those below it; a member's own."""
        return cast(
            "PointPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/points",
                    query={
                        "limit": limit,
                        "cursor": cursor,
                        "q": q,
                        "member": member,
                        "role": role,
                        "group": group,
                        "sort": sort,
                    },
                    repeatable=True,
                ).body
            ),
        )

    def all_points(
        self,
        code: str,
        *,
        limit: int | None = None,
        q: str | None = None,
        member: Sequence[str] | None = None,
        role: Literal["", "consumer", "prosumer", "producer"]
        | Sequence[Literal["", "consumer", "prosumer", "producer"]]
        | None = None,
        group: Sequence[str] | None = None,
        sort: Literal[
            "",
            "ppe",
            "-ppe",
            "member",
            "-member",
            "member_name",
            "-member_name",
            "role",
            "-role",
            "peak_power_w",
            "-peak_power_w",
            "group",
            "-group",
            "town",
            "-town",
        ]
        | None = None,
    ) -> Iterator[PointOut]:
        """Every row of `list_points`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/points",
            {"limit": limit, "q": q, "member": member, "role": role, "group": group, "sort": sort},
        )

    def list_rates(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        key: Sequence[str] | None = None,
        on: str | None = None,
        sort: Literal[
            "", "key", "-key", "valid_from", "-valid_from", "valid_to", "-valid_to", "checked_on", "-checked_on"
        ]
        | None = None,
    ) -> RatePage:
        """Every rate that is known, with its legal source."""
        return cast(
            "RatePage",
            json.loads(
                self._ask(
                    "GET",
                    "/api/v1/rates",
                    query={"limit": limit, "cursor": cursor, "key": key, "on": on, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_rates(
        self,
        *,
        limit: int | None = None,
        key: Sequence[str] | None = None,
        on: str | None = None,
        sort: Literal[
            "", "key", "-key", "valid_from", "-valid_from", "valid_to", "-valid_to", "checked_on", "-checked_on"
        ]
        | None = None,
    ) -> Iterator[RateOut]:
        """Every row of `list_rates`, page after page."""
        return self._pages("/api/v1/rates", {"limit": limit, "key": key, "on": on, "sort": sort})

    def list_schedules(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "name",
            "-name",
            "organisation",
            "-organisation",
            "kind",
            "-kind",
            "next_run_at",
            "-next_run_at",
            "last_run_at",
            "-last_run_at",
        ]
        | None = None,
    ) -> SchedulePage:
        """What begins by itself in an organisation and in those below it."""
        return cast(
            "SchedulePage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/schedules",
                    query={"limit": limit, "cursor": cursor, "kind": kind, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_schedules(
        self,
        code: str,
        *,
        limit: int | None = None,
        kind: Sequence[str] | None = None,
        sort: Literal[
            "",
            "name",
            "-name",
            "organisation",
            "-organisation",
            "kind",
            "-kind",
            "next_run_at",
            "-next_run_at",
            "last_run_at",
            "-last_run_at",
        ]
        | None = None,
    ) -> Iterator[ScheduleOut]:
        """Every row of `list_schedules`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/schedules", {"limit": limit, "kind": kind, "sort": sort}
        )

    def list_settlement_runs(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        month: Sequence[str] | None = None,
        community: Sequence[str] | None = None,
        sort: Literal[
            "",
            "community",
            "-community",
            "month",
            "-month",
            "version",
            "-version",
            "made_at",
            "-made_at",
            "charged",
            "-charged",
            "credited",
            "-credited",
        ]
        | None = None,
    ) -> RunPage:
        """Every kept settlement, all versions."""
        return cast(
            "RunPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/settlement-runs",
                    query={"limit": limit, "cursor": cursor, "month": month, "community": community, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_settlement_runs(
        self,
        code: str,
        *,
        limit: int | None = None,
        month: Sequence[str] | None = None,
        community: Sequence[str] | None = None,
        sort: Literal[
            "",
            "community",
            "-community",
            "month",
            "-month",
            "version",
            "-version",
            "made_at",
            "-made_at",
            "charged",
            "-charged",
            "credited",
            "-credited",
        ]
        | None = None,
    ) -> Iterator[RunOut]:
        """Every row of `list_settlement_runs`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/settlement-runs",
            {"limit": limit, "month": month, "community": community, "sort": sort},
        )

    def list_statements(
        self,
        code: str,
        month: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        version: int | None = None,
        member: Sequence[str] | None = None,
        sort: Literal["", "member", "-member", "point", "-point", "net", "-net", "credit", "-credit"] | None = None,
    ) -> StatementPage:
        """What each point used, gave, owes and is owed."""
        return cast(
            "StatementPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/settlement-runs/{part(month)}/statements",
                    query={"limit": limit, "cursor": cursor, "version": version, "member": member, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_statements(
        self,
        code: str,
        month: str,
        *,
        limit: int | None = None,
        version: int | None = None,
        member: Sequence[str] | None = None,
        sort: Literal["", "member", "-member", "point", "-point", "net", "-net", "credit", "-credit"] | None = None,
    ) -> Iterator[StatementOut]:
        """Every row of `list_statements`, page after page."""
        return self._pages(
            f"/api/v1/organisations/{part(code)}/settlement-runs/{part(month)}/statements",
            {"limit": limit, "version": version, "member": member, "sort": sort},
        )

    def list_webhooks(
        self,
        code: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["", "url", "-url", "made_at", "-made_at", "changed_at", "-changed_at"] | None = None,
    ) -> WebhookPage:
        """The webhooks of an organisation and of those below it."""
        return cast(
            "WebhookPage",
            json.loads(
                self._ask(
                    "GET",
                    f"/api/v1/organisations/{part(code)}/webhooks",
                    query={"limit": limit, "cursor": cursor, "sort": sort},
                    repeatable=True,
                ).body
            ),
        )

    def all_webhooks(
        self,
        code: str,
        *,
        limit: int | None = None,
        sort: Literal["", "url", "-url", "made_at", "-made_at", "changed_at", "-changed_at"] | None = None,
    ) -> Iterator[WebhookOut]:
        """Every row of `list_webhooks`, page after page."""
        return self._pages(f"/api/v1/organisations/{part(code)}/webhooks", {"limit": limit, "sort": sort})

    def post_to_ledger(self, code: str, body: MonthOrder, *, idempotency_key: str | None = None) -> JobOut:
        """Put a month's readings, statements and bills on the ledger: a job does it."""
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/ledger/postings",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def preview_estimates(self, code: str, body: EstimatePreview) -> EstimatesOut:
        """What would be put in the place of missing intervals; nothing is stored."""
        return cast(
            "EstimatesOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/estimates/preview",
                    body=json_body(body),
                    kind="application/json",
                    repeatable=False,
                ).body
            ),
        )

    def preview_settlement(self, code: str, body: MonthOrder) -> PreviewOut:
        """What closing a month would give; nothing is kept."""
        return cast(
            "PreviewOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/settlement-previews",
                    body=json_body(body),
                    kind="application/json",
                    repeatable=False,
                ).body
            ),
        )

    def prove_ledger_continues(self, code: str, body: OlderCheckpoint) -> dict[str, Any]:
        """The proof that the ledger of now continues the one that an older checkpoint saw."""
        return cast(
            "dict[str, Any]",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/ledger/consistency",
                    body=json_body(body),
                    kind="application/json",
                    repeatable=False,
                ).body
            ),
        )

    def replay_delivery(
        self, code: str, webhook: str, event: str, *, idempotency_key: str | None = None
    ) -> DeliveryOut:
        """Send an event again, under the same id and with the same body."""
        return cast(
            "DeliveryOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}/deliveries/{part(event)}/replay",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    repeatable=True,
                ).body
            ),
        )

    def run_schedule(self, code: str, schedule: str, *, idempotency_key: str | None = None) -> JobOut:
        """Start the work of a row now; when it comes next by itself does not change."""
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/schedules/{part(schedule)}/run",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    repeatable=True,
                ).body
            ),
        )

    def start_settlement(self, code: str, body: MonthOrder, *, idempotency_key: str | None = None) -> JobOut:
        """Close a month: a job calculates it and keeps it as its next version; the same inputs again keep nothing."""
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/settlement-runs",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def submit_transaction(self, code: str, body: EnvelopeIn, *, idempotency_key: str | None = None) -> SubmittedOut:
        """Put a transaction that was signed elsewhere on the ledger; the same one again changes nothing."""
        return cast(
            "SubmittedOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/ledger/transactions",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=json_body(body),
                    kind="application/json",
                    repeatable=True,
                ).body
            ),
        )

    def update_schedule(
        self, code: str, schedule: str, body: ScheduleChange, *, if_match: str
    ) -> Versioned[ScheduleOut]:
        """Pause a row, let it begin again, give it another time."""
        reply = self._ask(
            "PATCH",
            f"/api/v1/organisations/{part(code)}/schedules/{part(schedule)}",
            headers={"If-Match": if_match},
            body=json_body(body),
            kind="application/json",
            repeatable=False,
        )
        return Versioned(cast("ScheduleOut", json.loads(reply.body)), reply.headers["etag"])

    def update_webhook(self, code: str, webhook: str, body: WebhookChange, *, if_match: str) -> Versioned[WebhookOut]:
        """Change a webhook; If-Match is the ETag that was read."""
        reply = self._ask(
            "PATCH",
            f"/api/v1/organisations/{part(code)}/webhooks/{part(webhook)}",
            headers={"If-Match": if_match},
            body=json_body(body),
            kind="application/json",
            repeatable=False,
        )
        return Versioned(cast("WebhookOut", json.loads(reply.body)), reply.headers["etag"])

    def upload_files(
        self,
        code: str,
        files: Sequence[tuple[str, bytes]],
        *,
        point: str | None = None,
        skip_unknown: bool | None = None,
        accept_errors: bool | None = None,
        dry_run: bool | None = None,
        idempotency_key: str | None = None,
    ) -> JobOut:
        """Send meter files; a job imports them. At most 100 files of 20,000,000 bytes, 100,000,000 together."""
        data, kind = form_body(
            {"point": point, "skip_unknown": skip_unknown, "accept_errors": accept_errors, "dry_run": dry_run},
            "files",
            files,
        )
        return cast(
            "JobOut",
            json.loads(
                self._ask(
                    "POST",
                    f"/api/v1/organisations/{part(code)}/files",
                    headers={"Idempotency-Key": idempotency_key or new_key()},
                    body=data,
                    kind=kind,
                    repeatable=True,
                ).body
            ),
        )
