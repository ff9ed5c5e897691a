"""All models of the app, so that Django finds them."""

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord, NumberSequence
from ogniwo.records.contracts.models import (
    EContract,
    EContractParty,
    Membership,
    PersonCertificate,
    PurchaseEntry,
    SupplyContractRecord,
)
from ogniwo.records.ledger.models import Commitment, LedgerRead, TokenAssessment
from ogniwo.records.metering.models import (
    ComputingSet,
    ComputingSetPart,
    MaximumPowerState,
    Meter,
    MeteringPoint,
    MeterInstallation,
    MeterRatio,
    PointGroup,
    RegisterState,
    SourceFile,
)
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import CloseApproval, CommunityRules, SettlementRun, StatementRecord

__all__ = [
    "AuditEvent",
    "CloseApproval",
    "Commitment",
    "CommunityRules",
    "ComputingSet",
    "ComputingSetPart",
    "EContract",
    "EContractParty",
    "InvoiceRecord",
    "LedgerRead",
    "MaximumPowerState",
    "Member",
    "Membership",
    "Meter",
    "MeterInstallation",
    "MeterRatio",
    "MeteringPoint",
    "NumberSequence",
    "Organisation",
    "PersonCertificate",
    "PointGroup",
    "PurchaseEntry",
    "RegisterState",
    "SettlementRun",
    "SourceFile",
    "StatementRecord",
    "SupplyContractRecord",
    "TokenAssessment",
]
