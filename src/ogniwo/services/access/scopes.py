"""What a key of a program may be given: scopes, which narrow the role that the key stands for."""

from enum import StrEnum


class Scope(StrEnum):
    """One scope lets a key use the operations that name it, as far as its role does those acts at all."""

    ORGANISATIONS_READ = "organisations:read"
    MEMBERS_READ = "members:read"
    METERING_READ = "metering:read"
    METERING_WRITE = "metering:write"
    SETTLEMENT_READ = "settlement:read"
    SETTLEMENT_WRITE = "settlement:write"
    BILLS_READ = "bills:read"
    BILLS_WRITE = "bills:write"
    LEDGER_READ = "ledger:read"
    LEDGER_WRITE = "ledger:write"
    TARIFFS_READ = "tariffs:read"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
