"""Time stamps of checkpoints (RFC 3161): somebody whose time is trusted says that the log had this root by then.

The stamp is over the checkpoint's text - origin, size and root - so lines of witnesses may still be added to the note.
It is kept beside the checkpoint as `SIZE.tsr`, the whole answer in DER, and anybody can check it with OpenSSL alone.
"""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

import msgspec
from cryptography import x509
from rfc3161_client import TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client.base import HashAlgorithm
from rfc3161_client.errors import VerificationError
from rfc3161_client.tsp import TimeStampResponse

from ogniwo.chain.stores import open_store
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import read_header
from ogniwo.core.ledger.checkpoints import Checkpoint, parse_checkpoint, sign_checkpoint
from ogniwo.gateways.exchange import UnreachableError, exchange
from ogniwo.services.ledger.access import CHECKPOINT_KEY, NoLedgerError, has_ledger, key_store
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import keep_whole
from ogniwo.services.workspace.model import Workspace

TIMESTAMPS_FILE = "timestamps.toml"
_ANSWER_BYTES_MAX = 262_144
_QUERY_TYPE = "application/timestamp-query"
_REPLY_TYPE = "application/timestamp-reply"


class NoTimestampSettingsError(Refusal):
    """The workspace names no time-stamping authority."""

    code = "timestamp.not_configured"


class TimestampSettingsError(Refusal):
    """The file that names the time-stamping authority, or one of its certificates, cannot be used."""

    code = "timestamp.settings"


class TimestampUnreachableError(Refusal):
    """The time-stamping authority does not answer; nothing was kept, and the command can be given again."""

    code = "timestamp.unreachable"


class TimestampRefusedError(Refusal):
    """The time-stamping authority answered with something else than a time stamp."""

    code = "timestamp.refused"


class BadTimestampError(Refusal):
    """A time stamp is not over this checkpoint, not of this request, changed, or of nobody who is trusted."""

    code = "timestamp.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Where to ask, and the certificates that a stamp has to lead to."""

    url: str
    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A verified time stamp: of the log with `size` entries, at `time` (UTC), by whom, and whether it is new."""

    size: int
    time: datetime
    signer: str
    new: bool


def configured_authority(workspace: Workspace) -> Authority | None:
    """The authority of `timestamps.toml` ([tsa] with url, certificates, intermediates); None without such a file."""
    path = workspace.root / TIMESTAMPS_FILE
    if not path.is_file():
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))["tsa"]
        url, roots = str(table["url"]), list(table["certificates"])
        intermediates = list(table.get("intermediates", []))
        if not roots or set(table) - {"url", "certificates", "intermediates"}:
            raise TimestampSettingsError(detail=f"{path}: [tsa] has url, certificates (at least one), intermediates")
        return Authority(
            url=url,
            roots=tuple(_certificate(workspace.root / name) for name in roots),
            intermediates=tuple(_certificate(workspace.root / name) for name in intermediates),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, OSError, ValueError) as error:
        raise TimestampSettingsError(
            detail=f"{path} needs [tsa] with url and certificates (PEM files): {error!r}"
        ) from error


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def stamp_checkpoint(workspace: Workspace) -> Stamp:
    """Have the newest checkpoint stamped and keep both; a checkpoint that has its stamp is not stamped again.

    Nothing is kept before the stamp was verified. Works while the ledger is being served. Raises
    NoTimestampSettingsError, TimestampSettingsError, TimestampUnreachableError, TimestampRefusedError,
    BadTimestampError or NoLedgerError.
    """
    authority = configured_authority(workspace)
    if authority is None:
        raise NoTimestampSettingsError(detail=f"{workspace.root / TIMESTAMPS_FILE} does not exist")
    checkpoint = _newest(workspace)
    path = stamp_path(workspace, checkpoint.size)
    if path.is_file():
        return read_stamp(path.read_bytes(), checkpoint=checkpoint, authority=authority)
    data = checkpoint.body().encode()
    request = TimestampRequestBuilder(data=data, hash_algorithm=HashAlgorithm.SHA256).build()
    answer = _asked(authority, request.as_bytes())
    stamp = read_stamp(answer, checkpoint=checkpoint, authority=authority, nonce=request.nonce, new=True)
    note = checkpoint_path(workspace, checkpoint.size)
    if not note.is_file():
        key = key_store(workspace).checkpoint_key(CHECKPOINT_KEY)
        keep_whole(note, sign_checkpoint(checkpoint, name=checkpoint.origin, key=key).encode())
    keep_whole(path, answer)
    record_act(
        workspace,
        action="ledger.timestamp",
        target=str(checkpoint.size),
        facts={"time": stamp.time.isoformat(), "signer": stamp.signer},
    )
    return stamp


def _newest(workspace: Workspace) -> Checkpoint:
    """The checkpoint of the last durable block, read beside whoever writes."""
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    with open_store(workspace.ledger_address, write=False) as store:
        block = store.last()
    if block is None:
        raise NoLedgerError(detail="the ledger has no block yet; run `ogniwo ledger post`")
    header = read_header(block.header)
    return Checkpoint(header.network, header.log_size, bytes.fromhex(header.log_root))


def _asked(authority: Authority, query: bytes) -> bytes:
    try:
        reply = exchange(
            "POST",
            authority.url,
            body=query,
            headers={"Content-Type": _QUERY_TYPE, "Accept": _REPLY_TYPE},
            bytes_max=_ANSWER_BYTES_MAX,
        )
    except UnreachableError as error:
        raise TimestampUnreachableError(detail=error.detail) from error
    if reply.status != HTTPStatus.OK or reply.kind.partition(";")[0].strip() != _REPLY_TYPE:
        raise TimestampRefusedError(detail=f"{authority.url} answers {reply.status} with {reply.kind or 'no type'}")
    return reply.body


def read_stamp(
    answer: bytes, *, checkpoint: Checkpoint, authority: Authority, nonce: int | None = None, new: bool = False
) -> Stamp:
    """Verify an authority's answer against a checkpoint and the configured trust.

    `nonce` is that of the request, when it is still known. Raises TimestampRefusedError or BadTimestampError.
    """
    try:
        response = decode_timestamp_response(answer)
        if response.status != 0:
            words = "; ".join(response.status_string)
            raise TimestampRefusedError(detail=f"the authority refuses with status {response.status}: {words}")
        verifier = VerifierBuilder(
            roots=list(authority.roots), intermediates=list(authority.intermediates), nonce=nonce
        ).build()
        verifier.verify_message(response, checkpoint.body().encode())
        return Stamp(size=checkpoint.size, time=response.tst_info.gen_time, signer=_signer(response), new=new)
    except (ValueError, VerificationError) as error:
        raise BadTimestampError(detail=f"the stamp of the log with {checkpoint.size} entries: {error}") from error


def _signer(response: TimeStampResponse) -> str:
    """The name on the certificate under the stamp."""
    (info,) = response.signed_data.signer_infos
    for raw in sorted(response.signed_data.certificates):
        certificate = x509.load_der_x509_certificate(raw)
        if certificate.issuer == info.issuer and certificate.serial_number == info.serial_number:
            return certificate.subject.rfc4514_string()
    return f"serial {info.serial_number} of {info.issuer.rfc4514_string()}"


def stamp_path(workspace: Workspace, size: int) -> Path:
    """Where the stamp of the checkpoint with so many entries is kept."""
    return workspace.root / "checkpoints" / f"{size:010d}.tsr"


def checkpoint_path(workspace: Workspace, size: int) -> Path:
    """Where the checkpoint with so many entries is kept."""
    return workspace.root / "checkpoints" / f"{size:010d}.txt"


def stamp_of_receipt(workspace: Workspace, receipt: bytes) -> bytes | None:
    """The stamp (DER) of the checkpoint that a receipt leads to, or None when that one was never stamped."""
    note: str = msgspec.json.decode(receipt)["checkpoint"]
    path = stamp_path(workspace, parse_checkpoint(note).size)
    return path.read_bytes() if path.is_file() else None


def kept_stamps(workspace: Workspace) -> tuple[Path, ...]:
    """The files of the stamps kept so far, oldest first."""
    return tuple(sorted((workspace.root / "checkpoints").glob("*.tsr")))


def verify_stamps(workspace: Workspace) -> tuple[tuple[Stamp, ...], tuple[Finding, ...]]:
    """Verify every kept stamp again, over the checkpoint kept beside it: those that hold, and what is wrong.

    That the checkpoint is one of the log is another check (`chain.audit`).
    """
    paths = kept_stamps(workspace)
    if not paths:
        return (), ()
    authority = configured_authority(workspace)
    if authority is None:
        text = f"{len(paths)} time stamps cannot be verified: {TIMESTAMPS_FILE} names no trusted certificate"
        return (), (_finding("timestamp.no_trust", text, paths[0]),)
    stamps, findings = [], []
    for path in paths:
        try:
            checkpoint = parse_checkpoint(path.with_suffix(".txt").read_text(encoding="utf-8"))
            stamps.append(read_stamp(path.read_bytes(), checkpoint=checkpoint, authority=authority))
        except FileNotFoundError:
            findings.append(_finding("timestamp.no_checkpoint", f"{path.name} stamps a checkpoint that is gone", path))
        except Refusal as refusal:
            findings.append(_finding(refusal.code, refusal.detail, path))
    return tuple(stamps), tuple(findings)


def _finding(code: str, message: str, path: Path) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, source=path.name)
