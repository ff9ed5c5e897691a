"""What the state machine answers: accepted, seen before, or refused with a stable code."""

from enum import StrEnum

import msgspec

ACCEPTED = "accepted"
EXISTS = "ledger.exists"


class Code(StrEnum):
    """Why the state machine refuses. The texts are stable; docs/ledger.md explains each."""

    NOT_FOUNDED = "ledger.not_founded"
    ALREADY_FOUNDED = "ledger.already_founded"
    UNSUPPORTED_VERSION = "ledger.unsupported_version"
    OTHER_NETWORK = "ledger.other_network"
    EXPIRED = "ledger.expired"
    EXPIRES_TOO_LATE = "ledger.expires_too_late"
    ID_CONFLICT = "ledger.id_conflict"
    UNKNOWN_ACCOUNT = "ledger.unknown_account"
    UNKNOWN_KEY = "ledger.unknown_key"
    KEY_NOT_ACTIVE = "ledger.key_not_active"
    KEY_PURPOSE = "ledger.key_purpose"
    FOREIGN_KEY = "ledger.foreign_key"
    KEY_EXISTS = "ledger.key_exists"
    KEY_NOT_PROVEN = "ledger.key_not_proven"
    LAST_KEY = "ledger.last_key"
    NOT_PERMITTED = "ledger.not_permitted"
    BEYOND_OWN_RIGHTS = "ledger.beyond_own_rights"
    ACCOUNT_EXISTS = "ledger.account_exists"
    UNKNOWN_PARENT = "ledger.unknown_parent"
    UNKNOWN_ROLE = "ledger.unknown_role"
    ALREADY_BOUND = "ledger.already_bound"
    NOT_BOUND = "ledger.not_bound"
    EMPTY_PERIOD = "ledger.empty_period"
    ASSET_EXISTS = "ledger.asset_exists"
    ASSET_POLICY = "ledger.asset_policy"
    UNKNOWN_ASSET = "ledger.unknown_asset"
    NOT_TRANSFERABLE = "ledger.not_transferable"
    METERING_IMMOVABLE = "ledger.metering_immovable"
    OUTSIDE_DOMAIN = "ledger.outside_domain"
    ZERO_AMOUNT = "ledger.zero_amount"
    DUPLICATE_POSTING = "ledger.duplicate_posting"
    NOT_ZERO_SUM = "ledger.not_zero_sum"
    NOT_AUTHORISED = "ledger.not_authorised"
    INSUFFICIENT_BALANCE = "ledger.insufficient_balance"
    AMOUNT_OUT_OF_RANGE = "ledger.amount_out_of_range"
    WRONG_CHANNEL = "ledger.wrong_channel"
    QUALITY_SPLIT = "ledger.quality_split"
    READER_NOT_ENTITLED = "ledger.reader_not_entitled"
    NATURAL_ID_CONFLICT = "ledger.natural_id_conflict"
    VERSION_GAP = "ledger.version_gap"
    CORRECTION_WITHOUT_REASON = "ledger.correction_without_reason"
    CORRECTION_WITHOUT_REFERENCE = "ledger.correction_without_reference"
    ALREADY_ANCHORED = "ledger.already_anchored"
    LAST_ADMINISTRATOR = "ledger.last_administrator"
    ROLE_EXISTS = "ledger.role_exists"
    NOT_LENT = "ledger.not_lent"
    TOO_MANY = "ledger.too_many"
    POLICY_FORM = "ledger.policy_form"
    QUORUM_NEEDED = "ledger.quorum_needed"
    QUORUM_NOT_NEEDED = "ledger.quorum_not_needed"
    NOT_PROPOSABLE = "ledger.not_proposable"
    PROPOSAL_FRAME = "ledger.proposal_frame"
    PROPOSAL_LIFETIME = "ledger.proposal_lifetime"
    UNKNOWN_PROPOSAL = "ledger.unknown_proposal"
    PROPOSAL_EXPIRED = "ledger.proposal_expired"
    NO_VOICE = "ledger.no_voice"
    ALREADY_APPROVED = "ledger.already_approved"
    KEY_LIMIT = "ledger.key_limit"
    SECOND_KEY_NEEDED = "ledger.second_key_needed"
    DUPLICATE_LIMIT = "ledger.duplicate_limit"
    ACCOUNT_FROZEN = "ledger.account_frozen"
    NOT_FROZEN = "ledger.not_frozen"
    RECOVERY_NEEDED = "ledger.recovery_needed"
    RECOVERY_PENDING = "ledger.recovery_pending"
    NO_RECOVERY = "ledger.no_recovery"
    RECOVERY_WAITS = "ledger.recovery_waits"
    UNKNOWN_VALIDATOR = "ledger.unknown_validator"
    LAST_VALIDATOR = "ledger.last_validator"
    HOLD_ASSET = "ledger.hold_asset"
    HOLD_UNTIL = "ledger.hold_until"
    HOLD_LIMIT = "ledger.hold_limit"
    HOLD_EXISTS = "ledger.hold_exists"
    UNKNOWN_HOLD = "ledger.unknown_hold"
    HOLD_EXPIRED = "ledger.hold_expired"
    HOLD_NOT_EXPIRED = "ledger.hold_not_expired"
    ABOVE_HOLD = "ledger.above_hold"
    DISPUTED = "ledger.disputed"
    NOT_DISPUTED = "ledger.not_disputed"
    OWN_CASE = "ledger.own_case"
    REDEMPTION_WITHOUT_REFERENCE = "ledger.redemption_without_reference"
    PAYMENTS_OFF = "ledger.payments_off"
    TRANSFER_LIMIT = "ledger.transfer_limit"
    BALANCE_LIMIT = "ledger.balance_limit"
    SPEND_CODE = "ledger.spend_code"
    SPEND_ORDER = "ledger.spend_order"
    MIXED_SCALES = "ledger.mixed_scales"
    ISSUED_BY_RULE = "ledger.issued_by_rule"
    BATCH_PART = "ledger.batch_part"
    REVERT_WITHOUT_REASON = "ledger.revert_without_reason"
    NOT_ON_THE_LOG = "ledger.not_on_the_log"
    ALREADY_REVERTED = "ledger.already_reverted"
    RULE_EXISTS = "ledger.rule_exists"
    UNKNOWN_RULE = "ledger.unknown_rule"
    RULE_TERMS = "ledger.rule_terms"
    NOT_MINTED = "ledger.not_minted"
    ABOVE_MINTED = "ledger.above_minted"
    ALREADY_REWARDED = "ledger.already_rewarded"
    NOTHING_EXPIRED = "ledger.nothing_expired"
    CONTRACT_TERMS = "ledger.contract_terms"
    TOO_MANY_PROPOSALS = "ledger.too_many_proposals"
    UNKNOWN_CONTRACT = "ledger.unknown_contract"
    NOT_A_PARTY = "ledger.not_a_party"
    CONTRACT_DOCUMENT = "ledger.contract_document"
    CONTRACT_STATE = "ledger.contract_state"
    ALREADY_SIGNED = "ledger.already_signed"
    NOTICE_TOO_SHORT = "ledger.notice_too_short"
    PERIOD_NOT_OVER = "ledger.period_not_over"
    PERIOD_CLOSED = "ledger.period_closed"
    DAYS_MISSING = "ledger.days_missing"
    MEASURED_FIGURE = "ledger.measured_figure"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to one transaction.

    `code` is "accepted", "ledger.exists" (a harmless repeat; `original` names the transaction that was accepted), or a
    refusal. `recorded` says whether the answer goes into the block: everything does once the signer is known to hold
    the account, so that nobody without a key can fill the log.
    """

    code: str
    detail: str = ""
    recorded: bool = True
    original: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the state changed."""
        return self.code == ACCEPTED


ACCEPTANCE = Outcome(ACCEPTED)


class RuleError(Exception):
    """A rule said no; carries the outcome up to `rules.apply`, which gives it as a value."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


def refused(code: Code, detail: str) -> RuleError:
    """A refusal that is recorded and uses up the client's id."""
    return RuleError(Outcome(code.value, detail))


def turned_away(code: Code, detail: str) -> RuleError:
    """A refusal before the signer was established: answered, not recorded."""
    return RuleError(Outcome(code.value, detail, recorded=False))
