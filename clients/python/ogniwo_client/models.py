# Written by `tools/generate_client.py` from docs/openapi.json; change the API, then run it again.
"""The shapes of requests and answers."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AlarmOut(TypedDict):
    """An episode of a watch at one point, or at the computing set `set`; the other is empty.

    `start` begins the first and `end` ends the last slot, hour or day so far that met the condition; for
    silence they are on the clock. `worst`, first at `worst_at`, and `limit` are in `unit`: Wh, W, slots (of
    a day) or h. `missing_between` counts what lies inside without a value. `state` over, corrected and
    stopped have ended.
    """

    id: int
    organisation: str
    watch: str
    kind: Literal["silent", "above", "below", "power", "missing"]
    point: str
    set: str
    channel: str
    start: str
    end: str
    worst: int
    worst_at: str
    limit: int
    unit: Literal["Wh", "W", "slots", "h"]
    missing_between: int
    text: str
    state: Literal["open", "over", "corrected", "stopped"]
    raised_at: str
    ended_at: str | None
    corrected_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str
    note: str


class AlarmPage(TypedDict):
    """Alarms, the newest episode first."""

    items: list[AlarmOut]
    next: str | None


class AttributeOut(TypedDict):
    """An own attribute of the point or of a meter at it (`of`.

    Its code or serial); local days, half-open. A period that ends on its first day was taken back and never
    held. Members' keys see none.
    """

    thing: Literal["point", "meter"]
    of: str
    name: str
    value: str
    valid_from: str
    valid_to: str | None


class BalanceOut(TypedDict):
    """What an account holds of an asset; `name` only where the caller may know it."""

    account: str
    name: str
    balance: Money


class BalancePage(TypedDict):
    """Balances by account and asset."""

    items: list[BalanceOut]
    next: str | None


class BillDocumentOut(TypedDict):
    """A bill's canonical document, whose SHA-256 is `digest`: its amounts are whole grosze (`..._grosz`)."""

    id: str
    number: str
    digest: str
    document: dict[str, Any]


class BillOut(TypedDict):
    """An issued document; `corrects` is the number of the one it corrects, "" for none; `digest` its SHA-256."""

    id: str
    number: str
    kind: str
    month: str
    issued_on: str
    due_on: str
    member: str
    member_name: str
    corrects: str
    net: Money
    gross: Money
    digest: str


class BillPage(TypedDict):
    """Bills by number."""

    items: list[BillOut]
    next: str | None


class BillReasonsOut(TypedDict):
    """Why each line is what it is: quantity, rate with its source, rounding, and the hours behind it."""

    id: str
    number: str
    lines: list[dict[str, Any]]


class BillsOrder(TypedDict):
    """Which month is billed, and the dates on its bills."""

    month: str
    issue_date: str
    due_date: str


class CalculationIn(TypedDict):
    """A month, a contract and an energy."""

    month: str
    terms: TermsIn
    energy: EnergyIn


class CalculationOut(TypedDict):
    """The price of a month; `rate_book` names the rates it was made from."""

    month: str
    rate_book: str
    lines: list[LineOut]
    vat: list[VatOut]
    net: Money
    gross: Money
    left_out: list[LeftOutOut]


class ChannelOut(TypedDict):
    """How much of a channel (OBIS) is there in a month, and its newest version."""

    month: str
    channel: str
    slot_seconds: int
    slots: int
    present: int
    version: str


class CheckedChannelOut(TypedDict):
    """How complete a channel is, and whether it may be billed."""

    point: str
    channel: str
    slots: int
    present: int
    version: str
    billable: bool


class CompletenessOut(TypedDict):
    """A month's channels; `silent_points` sent nothing at all."""

    month: str
    billable: bool
    channels: list[CheckedChannelOut]
    silent_points: list[str]


class ContractOut(TypedDict):
    """A supply contract of the point; local days, half-open."""

    operator: str
    group: str
    valid_from: str
    valid_to: str | None
    terms: dict[str, str]


class DeliveryOut(TypedDict):
    """What became of an event: waiting (until `due_at`), delivered, or failed after eight attempts."""

    event_id: str
    kind: str
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    made_at: str
    due_at: str | None
    answered_status: int | None
    problem: str
    delivered_at: str | None


class DeliveryPage(TypedDict):
    """Deliveries, newest first."""

    items: list[DeliveryOut]
    next: str | None


class EnergyIn(TypedDict):
    """The energy in exactly one way.

    `zones_wh`; `profile_wh`; `shape` with its total; `year_shape` with its total. A profile has one whole
    number for each slot of the local month; a shape is any profile that gives only proportions.
    `year_shape`, one number for each slot of the local year, is an operator's standard profile: the month
    is priced for its part of `year_total_wh`, the use of a year, which also counts as `yearly_use_wh` where
    the terms name none.
    """

    zones_wh: NotRequired[dict[str, int]]
    profile_wh: NotRequired[list[int]]
    shape: NotRequired[list[int]]
    shape_total_wh: NotRequired[int]
    year_shape: NotRequired[list[int]]
    year_total_wh: NotRequired[int]
    slot_seconds: NotRequired[Literal[900, 3600]]
    maximum_power_w: NotRequired[int | None]


class EnvelopeIn(TypedDict):
    """A signed transaction: JWS General JSON over the canonical payload (docs/ledger.md)."""

    payload: str
    signatures: list[SignatureIn]


class EstimateOrder(TypedDict):
    """Which month, and why the estimates are taken."""

    month: str
    reason: str


class EstimatePreview(TypedDict):
    """Which month."""

    month: str


class EstimatedChannelOut(TypedDict):
    """What was, or would be, substituted in a channel."""

    point: str
    channel: str
    replaces_version: str
    gaps: list[GapOut]


class EstimatesOut(TypedDict):
    """Channels filled, and findings for those of which nothing is known."""

    month: str
    stored: bool
    channels: list[EstimatedChannelOut]
    findings: list[FindingOut]


EventKind = Literal[
    "file.imported", "period.closed", "period.approved", "bills.issued", "job.finished", "alarm.raised", "alarm.ended"
]
"""What programs can be told of."""


class FileDetailsOut(TypedDict):
    """A file with every finding."""

    sha256: str
    name: str
    layout: str
    size_bytes: int
    received_at: str
    intervals: int
    errors: int
    warnings: int
    facts: dict[str, str]
    findings: list[FindingOut]


class FileOut(TypedDict):
    """A file as it was received; `facts` are what its reader found in its head."""

    sha256: str
    name: str
    layout: str
    size_bytes: int
    received_at: str
    intervals: int
    errors: int
    warnings: int
    facts: dict[str, str]


class FilePage(TypedDict):
    """Files, newest first."""

    items: list[FileOut]
    next: str | None


class FindingOut(TypedDict):
    """What is wrong or noteworthy in data, with its place."""

    code: str
    severity: str
    message: str
    source: str
    row: int
    column: str
    point: str
    channel: str
    start: str | None
    end: str | None
    facts: dict[str, str]


class FindingPage(TypedDict):
    """Findings by point and rule."""

    items: list[FindingOut]
    next: str | None


class FlowsOut(TypedDict):
    """Energy of a month in Wh: taken = community + pool + grid, given = community + surplus."""

    metered_in_wh: int
    metered_out_wh: int
    taken_wh: int
    given_wh: int
    community_in_wh: int
    community_out_wh: int
    pool_wh: int
    grid_wh: int
    surplus_wh: int


class GapOut(TypedDict):
    """A stretch of substituted intervals: method, what it was made from, energy."""

    start: str
    end: str
    method: str
    inputs: list[str]
    energy_wh: int


class IntervalOut(TypedDict):
    """One interval. Exactly one of the energies is given, by what the channel counts; both null: it is missing."""

    channel: str
    start: str
    seconds: int
    energy_wh: int | None
    energy_varh: int | None
    quality: str
    version: str


class IntervalPage(TypedDict):
    """Intervals by channel and time."""

    items: list[IntervalOut]
    next: str | None


class JobOut(TypedDict):
    """Long work: `done` of `total` steps (`total` 0: not known); `result` is what its kind gives back."""

    id: str
    organisation: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    text: str
    result: dict[str, Any]
    error_code: str
    error_detail: str
    by: str
    asked_at: str
    started_at: str | None
    ended_at: str | None


class JobPage(TypedDict):
    """Jobs, newest first."""

    items: list[JobOut]
    next: str | None


class LedgerHeadOut(TypedDict):
    """The last block, the hash of the state after it, and the size and root of the log."""

    network: str
    height: int
    block: str
    time: str
    state_root: str
    log_size: int
    log_root: str
    accounts: int
    days_minted: int
    documents: int


class LeftOutOut(TypedDict):
    """A charge that is not in the totals, and why."""

    charge: str
    reason: str


class LineOut(TypedDict):
    """A priced line: quantity in `unit` times the rate times the share, rounded once; `why` follows the language."""

    charge: str
    zone: str
    category: str
    label_pl: str
    label_en: str
    first: str
    last_exclusive: str
    quantity: int
    unit: str
    price: Money
    per: str
    share: list[int]
    net: Money
    vat_rate_percent: int
    rates: list[RateOut]
    why: list[str]


class MeOut(TypedDict):
    """Who asks: a person, or a program by its key; `scopes` is null for a person."""

    kind: str
    name: str
    scopes: list[str] | None
    standings: list[StandingOut]
    requests_per_minute: int


class Meaning(TypedDict):
    """What a code of a problem means, and where it is written down."""

    code: str
    meaning: str
    documentation: str


class MemberDetailsOut(TypedDict):
    """A member with where letters go."""

    number: str
    name: str
    kind: str
    town: str
    organisation: str
    points: int
    state: str
    since: str | None
    until: str | None
    street: str
    post_code: str
    nip: str


class MemberOut(TypedDict):
    """A member; `state` of the month: settles, ended, later, or none when no point of his is in a community."""

    number: str
    name: str
    kind: str
    town: str
    organisation: str
    points: int
    state: str
    since: str | None
    until: str | None


class MemberPage(TypedDict):
    """Members by number."""

    items: list[MemberOut]
    next: str | None


class MembershipOut(TypedDict):
    """The point's part in a community; local days, half-open."""

    community: str
    valid_from: str
    valid_to: str | None
    share_key: int
    merit_rank: int
    participation_percent: int


class MeterOut(TypedDict):
    """A meter at the point with its transformer ratios as [primary, secondary]; half-open."""

    serial: str
    valid_from: str
    valid_to: str | None
    current: list[int]
    voltage: list[int]


class Money(TypedDict):
    """An exact amount: never a floating-point number."""

    amount: str
    asset: str


class MonthOrder(TypedDict):
    """Which month."""

    month: str


class MovementOut(TypedDict):
    """One change of one balance, with the balance after it."""

    time: str
    height: int
    operation: str
    transaction: str
    amount: Money
    balance_after: Money


class MovementPage(TypedDict):
    """Movements, newest first."""

    items: list[MovementOut]
    next: str | None


class NewSchedule(TypedDict):
    """What is to begin by which rule; an empty name is made from the kind."""

    kind: str
    rule: str
    month: NotRequired[Literal["", "previous"]]
    name: NotRequired[str]


class NewWebhook(TypedDict):
    """Where to send, and of what."""

    url: str
    events: list[EventKind]


class OlderCheckpoint(TypedDict):
    """The text of a checkpoint (a C2SP signed note) that somebody kept."""

    checkpoint: str


class OrganisationOut(TypedDict):
    """An operator, a partner or a unit; `parent` is the code of the organisation above, null at the top."""

    code: str
    name: str
    kind: str
    parent: str | None
    depth: int
    town: str
    nip: str
    krs: str


class OrganisationPage(TypedDict):
    """Organisations by their place in the tree."""

    items: list[OrganisationOut]
    next: str | None


class PointDetailsOut(TypedDict):
    """A point with all that is registered of it and the months it has values for."""

    ppe: str
    member: str
    member_name: str
    role: str
    source: str
    peak_power_w: int
    group: str
    town: str
    street: str
    meters: list[MeterOut]
    contracts: list[ContractOut]
    memberships: list[MembershipOut]
    channels: list[ChannelOut]
    attributes: list[AttributeOut]


class PointOut(TypedDict):
    """A metering point (PPE); `peak_power_w` is 0 where none is registered."""

    ppe: str
    member: str
    member_name: str
    role: str
    source: str
    peak_power_w: int
    group: str
    town: str


class PointPage(TypedDict):
    """Points by code."""

    items: list[PointOut]
    next: str | None


class PreviewOut(TypedDict):
    """What closing a month would give; nothing is kept. `changed` false: the newest run has the same inputs."""

    month: str
    version: int
    changed: bool
    flows: FlowsOut
    charged: Money
    credited: Money
    statements: list[StatementOut]
    findings: list[FindingOut]


class Problem(TypedDict):
    """RFC 9457: what was refused and why; `code` is stable and documented in docs/codes.md."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: NotRequired[list[dict[str, Any]]]


class RateOut(TypedDict):
    """A dated price with its legal source, when it was checked, and how sure it is."""

    key: str
    price: Money
    per: str
    valid_from: str
    valid_to: str | None
    source: str
    checked_on: str
    confidence: str


class RatePage(TypedDict):
    """Rates by key and first day."""

    items: list[RateOut]
    next: str | None


class RunOut(TypedDict):
    """A kept settlement of a month; `inputs_digest` names everything it was calculated from."""

    community: str
    month: str
    version: int
    made_at: str
    inputs_digest: str
    statements: int
    charged: Money
    credited: Money
    taken_wh: int
    given_wh: int
    exchanged_wh: int


class RunPage(TypedDict):
    """Runs by month, community and version."""

    items: list[RunOut]
    next: str | None


class RunStateOut(TypedDict):
    """The newest settlement of a month: who made it, who approved it ("" while nobody did)."""

    community: str
    month: str
    version: int
    inputs_digest: str
    made_at: str
    prepared_by: str
    approved_by: str
    approved_at: str | None


class ScheduleChange(TypedDict):
    """What is to change; what is left out stays."""

    rule: NotRequired[str | None]
    paused: NotRequired[bool | None]


class ScheduleOut(TypedDict):
    """A row of the schedule; `month` "previous": each start is for the month before it.

    `last_job` is null at first.
    """

    id: int
    name: str
    organisation: str
    kind: str
    month: str
    rule: str
    paused: bool
    next_run_at: str
    last_run_at: str | None
    last_job: str | None


class SchedulePage(TypedDict):
    """Rows of the schedule by organisation and name."""

    items: list[ScheduleOut]
    next: str | None


class SignatureIn(TypedDict):
    """A signature of a JWS in its general JSON form."""

    protected: str
    signature: str


class StandingOut(TypedDict):
    """A role in an organisation and everything below it, with the acts it allows; a member has his number."""

    organisation: str
    name: str
    role: str
    member: str
    acts: list[str]


class StatementOut(TypedDict):
    """What a point's month comes to, net."""

    member: str
    point: str
    flows: FlowsOut
    net: Money
    credit: Money


class StatementPage(TypedDict):
    """Statements by point."""

    items: list[StatementOut]
    next: str | None


class SubmittedOut(TypedDict):
    """What became of a transaction; `code` is accepted, ledger.exists, or why the ledger's rules refuse it."""

    transaction: str
    on_ledger: bool
    code: str
    detail: str
    height: int
    log_index: int
    time: str | None


class TermsIn(TypedDict):
    """What the contract of a point says; see docs/tariffs.md for operators, groups and offers."""

    operator: NotRequired[str]
    group: str
    offer: NotRequired[str]
    contract_power_w: NotRequired[int]
    phases: NotRequired[Literal["1ph", "3ph"]]
    billing_months: NotRequired[Literal[1, 2, 6, 12]]
    yearly_use_wh: NotRequired[int | None]
    capacity_household: NotRequired[bool]
    voltage: NotRequired[Literal["LV", "MV", "HV"]]
    clock: NotRequired[Literal["local", "cet_fixed"]]
    clock_variant: NotRequired[str]
    variant: NotRequired[str]
    prepaid: NotRequired[bool]


class VatOut(TypedDict):
    """The sum of a VAT rate, VAT rounded once."""

    rate_percent: int
    net: Money
    vat: Money


class WebhookChange(TypedDict):
    """What is to change; what is left out stays."""

    url: NotRequired[str | None]
    events: NotRequired[list[EventKind] | None]
    active: NotRequired[bool | None]


class WebhookMadeOut(TypedDict):
    """A new webhook with the secret that signs what is sent: it is shown this once."""

    id: str
    organisation: str
    url: str
    events: list[str]
    active: bool
    made_by: str
    made_at: str
    changed_at: str
    secret: str


class WebhookOut(TypedDict):
    """A webhook; nothing is sent while it is not active."""

    id: str
    organisation: str
    url: str
    events: list[str]
    active: bool
    made_by: str
    made_at: str
    changed_at: str


class WebhookPage(TypedDict):
    """Webhooks, oldest first."""

    items: list[WebhookOut]
    next: str | None
