"""The audit report: what was checked, by what, with which result, and what is not proven - for somebody outside.

One document in canonical JSON, and its picture as PDF/A with that document attached. It can be made of a workspace,
with everything that hangs on the ledger there, or of an auditor's own copy, which shares nothing with the operator.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from cryptography.hazmat.backends.openssl.backend import backend

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.inspection import Inspection, inspect
from ogniwo.chain.store import LedgerAddress
from ogniwo.chain.stores import short_name
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import Document, encode_document
from ogniwo.core.ledger.checkpoints import parse_checkpoint
from ogniwo.core.ledger.cosignatures import CosignatureError, WitnessPolicy
from ogniwo.formats.audit_pdf.render import render_audit_pdf
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.ledger.following import Follower
from ogniwo.services.ledger.posting import kept_checkpoints
from ogniwo.services.ledger.timestamping import Stamp, verify_stamps
from ogniwo.services.ledger.verifying import Check, verify_chain
from ogniwo.services.ledger.witnessing import configured_witnesses
from ogniwo.services.workspace.model import Workspace

SCHEMA: Final = "ogniwo.ledger-audit/1"

HARMLESS: Final = frozenset({"account.register", "anchor.write", "metering.mint", "metering.sign"})
"""Permissions that neither move value, nor give rights or keys, nor open what others may not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report as canonical JSON and as PDF; `passed` is false when anything differs."""

    document: bytes
    pdf: bytes
    passed: bool
    log_size: int
    findings: tuple[Finding, ...]


def audit_workspace(
    workspace: Workspace, *, notes: Sequence[str] = (), tell: Callable[[str], None] = lambda _name: None
) -> Report:
    """Verify a workspace's ledger and what hangs on it; `notes` are signed checkpoints that somebody else kept."""
    checks = list(verify_chain(workspace, pictures=False, tell=tell))
    checks.append(_elsewhere(workspace.ledger_address, notes))
    configured = configured_witnesses(workspace)
    stamps, _ = verify_stamps(workspace)
    return _report(
        workspace.ledger_address,
        made_at=workspace.now(),
        checks=checks,
        notes=tuple(dict.fromkeys((*kept_checkpoints(workspace), *notes))),
        elsewhere=notes,
        policy=configured.policy if configured else None,
        stamps=stamps,
        erased=Commitment.objects.filter(payload="", salt="").exclude(commitment="").count(),
    )


def audit_copy(follower: Follower, *, made_at: datetime, notes: Sequence[str] = ()) -> Report:
    """Verify an auditor's own copy against the checkpoints that the copy's node saw, and further `notes`."""
    path = follower.folder / "ledger.sqlite3"
    seen = tuple(one.read_text(encoding="utf-8") for one in sorted((follower.folder / "checkpoints").glob("*.txt")))
    everything = tuple(dict.fromkeys((*seen, *notes)))
    findings = verify_ledger(path, checkpoints=everything)
    evidence = sorted(one.name for one in (follower.folder / "evidence").glob("contradicts-*.txt"))
    findings.extend(
        Finding(
            code="follow.contradiction",
            severity=Severity.ERROR,
            message=f"the operator signed a checkpoint that contradicts this copy: {name}",
            source=name,
        )
        for name in evidence
    )
    checks = [Check(name="ledger", compared=len(everything), findings=tuple(findings))]
    return _report(path, made_at=made_at, checks=checks, notes=everything, elsewhere=everything)


def _elsewhere(path: LedgerAddress, notes: Sequence[str]) -> Check:
    """Whether checkpoints that others kept are of this log; what is wrong without them is another check's."""
    if not notes:
        return Check(name="checkpoints kept elsewhere", compared=0, findings=())
    own = {(finding.code, finding.message) for finding in verify_ledger(path)}
    found = [one for one in verify_ledger(path, checkpoints=notes) if (one.code, one.message) not in own]
    return Check(name="checkpoints kept elsewhere", compared=len(notes), findings=tuple(found))


def _report(
    path: LedgerAddress,
    *,
    made_at: datetime,
    checks: Sequence[Check],
    notes: Sequence[str],
    elsewhere: Sequence[str],
    policy: WitnessPolicy | None = None,
    stamps: Sequence[Stamp] = (),
    erased: int = 0,
) -> Report:
    found = inspect(path)
    findings = tuple(finding for check in checks for finding in check.findings)
    passed = all(check.passed for check in checks)
    checkpoints = _checkpoints(notes, elsewhere, policy, stamps)
    document: Document = {
        "schema": SCHEMA,
        "made_at": made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "passed": passed,
        "software": _software(),
        "ledger": _ledger(path, found),
        "checks": [
            {
                "name": check.name,
                "compared": check.compared,
                "passed": check.passed,
                "differences": sum(one.severity is not Severity.NOTE for one in check.findings),
            }
            for check in checks
        ],
        "findings": [_finding(finding) for finding in findings],
        "operations": [
            {"operation": operation, "outcome": outcome, "count": count}
            for (operation, outcome), count in sorted(found.operations.items())
        ],
        "keys": _keys(found),
        "dangerous_rights": _rights(found),
        "quorums": _quorums(found),
        "open_matters": _open_matters(found),
        "sums": _sums(found),
        "checkpoints": checkpoints,
        "witnesses": _witnesses(policy),
        "erased_documents": erased,
        "not_proven": _not_proven(elsewhere, stamps, policy, erased),
    }
    data = encode_document(document)
    return Report(
        document=data,
        pdf=render_audit_pdf(data, made_at=made_at),
        passed=passed,
        log_size=found.log_size,
        findings=findings,
    )


def _software() -> Document:
    digest = sha256()
    root = files("ogniwo")
    sources = sorted(path for path in Path(str(root)).rglob("*.py"))
    for source in sources:
        name = source.relative_to(str(root)).as_posix()
        digest.update(f"{sha256(source.read_bytes()).hexdigest()}  {name}\n".encode())
    return {
        "name": "ogniwo",
        "version": version("ogniwo"),
        "sources": len(sources),
        "sources_sha256": digest.hexdigest(),
        "python": platform.python_version(),
        "cryptography": version("cryptography"),
        "openssl": backend.openssl_version_text(),
    }


def _ledger(address: LedgerAddress, found: Inspection) -> Document:
    data = address.read_bytes() if isinstance(address, Path) and address.is_file() else b""
    foundation = found.state.foundation
    header = {
        "network": foundation.network if foundation else "",
        "operator": foundation.operator if foundation else "",
        "checkpoint_key": foundation.checkpoint_key if foundation else "",
    }
    return {
        **header,
        "file": short_name(address),
        "file_bytes": len(data),
        "file_sha256": sha256(data).hexdigest() if data else "",
        "height": found.height,
        "first_block_time": _instant(found.first_s),
        "last_block_time": _instant(found.last_s),
        "last_block": found.last_block,
        "log_size": found.log_size,
        "log_root": found.log_root,
        "state_root": found.state.root().hex(),
        "transactions": sum(found.operations.values()),
        "accounts": len(found.state.accounts),
    }


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""


def _finding(finding: Finding) -> Document:
    facts = dict(finding.facts)
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "height": facts.get("height", ""),
        "part": facts.get("part", finding.column),
        "source": finding.source,
        "message": finding.message,
    }


def _keys(found: Inspection) -> Document:
    """The keys that count at the time of the last block."""
    rows: list[Document] = []
    for kid, record in sorted(found.state.keys.items(), key=lambda item: (item[1].account, item[0])):
        if record.active(found.last_s):
            rows.append(
                {
                    "account": record.account,
                    "purpose": record.purpose,
                    "device": record.device,
                    "valid_from": _instant(record.valid_from),
                    "kid": kid,
                }
            )
    return rows


def _rights(found: Inspection) -> Document:
    """Who holds which right that could do harm, where and until when, at the time of the last block."""
    rows: list[Document] = []
    for key in sorted(found.state.bindings):
        binding = found.state.bindings[key]
        if binding.valid_to and binding.valid_to <= found.last_s:
            continue
        permissions = set(found.state.permissions_of(binding.role) or ()) - HARMLESS
        if permissions:
            rows.append(
                {
                    "account": binding.subject,
                    "role": binding.role,
                    "subtree": binding.subtree,
                    "permissions": [str(permission) for permission in sorted(permissions)],
                    "valid_from": _instant(binding.valid_from),
                    "valid_to": _instant(binding.valid_to),
                }
            )
    return rows + _lent(found)


def _lent(found: Inspection) -> list[Document]:
    """Rights that somebody lent; they count as long as the lender holds them."""
    return [
        {
            "account": borrower,
            "role": f"lent by {lender}",
            "subtree": subtree,
            "permissions": [permission],
            "valid_from": _instant(loan.valid_from),
            "valid_to": _instant(loan.valid_to),
        }
        for (borrower, lender, permission, subtree), loan in sorted(found.state.loans.items())
        if permission not in HARMLESS and found.last_s < loan.valid_to
    ]


def _quorums(found: Inspection) -> Document:
    """Which permissions take more than one voice, and where."""
    return [
        {"permission": permission, "subtree": subtree, "veto_accounts": list(policy.veto_accounts)}
        for (permission, subtree), policy in sorted(found.state.policies.items())
    ]


def _open_matters(found: Inspection) -> Document:
    """What waits at the last block: frozen accounts, recoveries of keys, proposals without their quorum."""
    state = found.state
    rows = [("frozen", account, "") for account in sorted(state.frozen)]
    rows += [("recovery", account, _instant(waiting.due)) for account, waiting in sorted(state.recoveries.items())]
    rows += [
        ("proposal", proposal.operation.account, _instant(proposal.until))
        for _, proposal in sorted(state.proposals.items())
    ]
    return [{"what": what, "account": account, "until": until} for what, account, until in rows]


def _sums(found: Inspection) -> Document:
    """Each asset's balances added up anew; they have to give zero."""
    totals: dict[str, tuple[int, int]] = {}
    for (_, asset), amount in found.state.balances.items():
        total, holders = totals.get(asset, (0, 0))
        totals[asset] = (total + amount, holders + (1 if amount else 0))
    return [
        {
            "asset": name,
            "kind": asset.kind,
            "issuer": asset.issuer,
            "accounts": totals.get(name, (0, 0))[1],
            "outstanding": str(-found.state.balances.get((asset.issuer, name), 0)),
            "sum": str(totals.get(name, (0, 0))[0]),
        }
        for name, asset in sorted(found.state.assets.items())
    ]


def _checkpoints(
    notes: Sequence[str], elsewhere: Sequence[str], policy: WitnessPolicy | None, stamps: Sequence[Stamp]
) -> Document:
    stamped = {stamp.size: stamp for stamp in stamps}
    rows: list[Document] = []
    for note in notes:
        try:
            checkpoint = parse_checkpoint(note)
            cosigners = policy.cosigners(note) if policy else ()
        except (Refusal, CosignatureError):
            continue  # named among the findings of the checks
        stamp = stamped.get(checkpoint.size)
        rows.append(
            {
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "note_sha256": sha256(note.encode()).hexdigest(),
                "kept_elsewhere": note in elsewhere,
                "cosigners": [{"name": name, "time": _instant(time_s)} for name, time_s in cosigners],
                "final": policy is not None and len(cosigners) >= policy.quorum,
                "stamped_at": stamp.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp else "",
                "stamped_by": stamp.signer if stamp else "",
            }
        )
    return rows


def _witnesses(policy: WitnessPolicy | None) -> Document:
    if policy is None:
        return {"quorum": 0, "keys": []}
    return {"quorum": policy.quorum, "keys": [witness.text() for witness in policy.witnesses]}


def _not_proven(
    elsewhere: Sequence[str], stamps: Sequence[Stamp], policy: WitnessPolicy | None, erased: int
) -> Document:
    """Codes of sentences in `data/ledger_audit/texts.toml`, always the same order."""
    codes: list[Document] = []
    if not elsewhere and policy is None:
        codes.append("operator_alone")
    elif not elsewhere:
        codes.append("witnesses_only")
    codes.append("time_bounded" if stamps else "time_of_operator")
    codes += ["persons", "readings", "completeness", "secret_keys", "law"]
    if erased:
        codes.append("erased")
    return codes
