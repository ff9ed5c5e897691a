"""Witnesses from both sides: run one for other people's logs, and have one's own checkpoints co-signed."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.keystore import KeyStore
from ogniwo.chain.witness import Witness
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import VerifierKey, parse_checkpoint, parse_verifier_key
from ogniwo.core.ledger.cosignatures import (
    CosignatureError,
    WitnessPolicy,
    parse_witness_key,
    verify_cosignature,
    witness_key,
)
from ogniwo.core.ledger.witness import WitnessRequest
from ogniwo.gateways.witnesses import WitnessAnswer, ask_witness
from ogniwo.services.workspace.model import Workspace

WITNESSES_FILE = "witnesses.toml"
_KEY_NAME = "witness"
_LOGS_FILE = "logs.txt"


class WitnessSettingsError(Refusal):
    """The file of witnesses cannot be used."""

    code = "witness.settings"


class NoWitnessError(Refusal):
    """The folder holds no witness."""

    code = "witness.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredWitnesses:
    """Where the witnesses of a workspace answer, in the order of the policy's keys."""

    policy: WitnessPolicy
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint after the witnesses were asked: who signed, whether that makes it final, and who did not and why."""

    note: str
    cosigners: tuple[str, ...]
    final: bool
    findings: tuple[Finding, ...]


def configured_witnesses(workspace: Workspace) -> ConfiguredWitnesses | None:
    """The witnesses of `witnesses.toml` (quorum = k, [[witness]] with url and key); None without such a file."""
    path = workspace.root / WITNESSES_FILE
    if not path.is_file():
        return None
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = settings["witness"]
        policy = WitnessPolicy(
            witnesses=tuple(parse_witness_key(row["key"]) for row in rows), quorum=int(settings["quorum"])
        )
        return ConfiguredWitnesses(policy=policy, addresses=tuple(str(row["url"]) for row in rows))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise WitnessSettingsError(
            detail=f"{path} needs `quorum = K` and [[witness]] tables with url and key: {error!r}"
        ) from error


def collect_cosignatures(workspace: Workspace, ledger: EmbeddedLedger, note: str) -> Cosigned | None:
    """Ask every configured witness to sign a checkpoint; None when the workspace names no witness.

    A witness that stands at another size is given the proof from there. What nobody signs stays valid, but not final.
    """
    configured = configured_witnesses(workspace)
    if configured is None:
        return None
    findings: list[Finding] = []
    size = parse_checkpoint(note).size
    signed = note
    for key, address in zip(configured.policy.witnesses, configured.addresses, strict=True):
        answer = _asked(ledger, address, note, size)
        problem = answer.problem
        if answer.line:
            try:
                added = verify_cosignature(note + answer.line, key=key)
            except (CosignatureError, Refusal) as error:
                added, problem = None, error.detail
            if added is not None:
                signed += answer.line
                continue
            problem = problem or f"{address} signed with another key than that of {key.name}"
        findings.append(
            Finding(
                code="witness.not_signed",
                severity=Severity.WARNING,
                message=f"{key.name}: {problem or 'it stands at another size'}",
            )
        )
    names = tuple(name for name, _ in configured.policy.cosigners(signed))
    return Cosigned(
        note=signed, cosigners=names, final=len(names) >= configured.policy.quorum, findings=tuple(findings)
    )


def _asked(ledger: EmbeddedLedger, address: str, note: str, size: int) -> WitnessAnswer:
    """Ask from nothing; a witness that saw more says from where, and is asked once more with the proof."""
    answer = ask_witness(address, WitnessRequest(0, (), note).encode())
    if answer.known_size is None:
        return answer
    known = answer.known_size
    if known > size:
        return WitnessAnswer(problem=f"it has seen {known} entries of this log, more than the {size} there are now")
    proof = tuple(ledger.log.consistency(known, size))
    return ask_witness(address, WitnessRequest(known, proof, note).encode())


def create_witness(*, folder: Path, name: str) -> str:
    """Make a witness: its key (Ed25519) and an empty list of logs; gives its public key. Repeating changes nothing."""
    store = KeyStore(folder / "keys")
    if _KEY_NAME not in store.names():
        store.create(_KEY_NAME, kind="ed25519")
        (folder / "name.txt").write_text(f"{name}\n", encoding="utf-8")
    logs = folder / _LOGS_FILE
    if not logs.exists():
        logs.write_text("# one verifier key (name+hash+key) of a log to watch per line\n", encoding="utf-8")
    return witness_public_key(folder=folder)


def _name_and_key(folder: Path) -> tuple[str, Ed25519PrivateKey]:
    named = folder / "name.txt"
    if not named.is_file():
        raise NoWitnessError(detail=f"{folder} holds no witness; make one with `ogniwo witness create`")
    return named.read_text(encoding="utf-8").strip(), KeyStore(folder / "keys").checkpoint_key(_KEY_NAME)


def witness_public_key(*, folder: Path) -> str:
    """The public key that others put into their policies."""
    return witness_key(*_name_and_key(folder)).text()


def watch_log(*, folder: Path, key: str) -> VerifierKey:
    """Add a log that the witness signs for; the key is what `ogniwo ledger show` prints as checkpoint_key."""
    _name_and_key(folder)
    parsed = parse_verifier_key(key.strip())
    path = folder / _LOGS_FILE
    known = path.read_text(encoding="utf-8").splitlines()
    if parsed.text() not in known:
        path.write_text("\n".join([*known, parsed.text()]) + "\n", encoding="utf-8")
    return parsed


def open_witness(*, folder: Path) -> Witness:
    """The witness of a folder, ready to sign."""
    name, key = _name_and_key(folder)
    lines = (folder / _LOGS_FILE).read_text(encoding="utf-8").splitlines()
    logs = [parse_verifier_key(line) for line in lines if line and not line.startswith("#")]
    return Witness(folder / "seen.sqlite3", name=name, key=key, logs={log.name: log for log in logs})
