"""The papers of `ogniwo contract`: signatures on the PDF, certificates, evidence."""

import base64
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.interfaces.cli.arguments import JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import DONE_WITH_FINDINGS, answers_refusals, say, show_json
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.contracts.certificates import (
    DOCUMENT_KINDS,
    KEY_STORAGES,
    METHODS,
    IdentityCheck,
    certificates,
    issue_certificate,
    revocation_list,
    revoke_certificate,
)
from ogniwo.services.contracts.econtract_parties import ContractParty, contract_party
from ogniwo.services.contracts.evidence import evidence_pack
from ogniwo.services.contracts.sealing import PreparedSeal, finish_seal, prepare_seal, seal_with, take_signed_pdf
from ogniwo.services.workspace.queries import operator_subject

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
KEY = click.option("--key", type=FILE, default=None, help="The party's private key (PEM), where it lies in a file.")
PARTY = click.option("--party", required=True, metavar="WORD", help="Member's number or organisation's code.")
DAY = click.DateTime(formats=["%Y-%m-%d"])


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in a PEM file; wrong use when there is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"{path} holds no private key that can be opened: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise click.UsageError(f"{path} holds no P-256 key")
    return key


def party_of(word: str) -> ContractParty:
    """The member or organisation that a word names."""
    return contract_party(word, subject=operator_subject())


@click.command(name="seal")
@click.argument("name")
@PARTY
@KEY
@click.option("--prepare", type=OUT, default=None, help="Write what the device has to sign, as JSON, and stop.")
@click.option("--finish", type=FILE, default=None, help="What --prepare wrote, together with --signature.")
@click.option("--signature", default="", help="The device's ES256 signature, r and s in base64url.")
@click.pass_obj
@answers_refusals
def seal_command(
    runtime: Runtime,
    *,
    name: str,
    party: str,
    key: Path | None,
    prepare: Path | None,
    finish: Path | None,
    signature: str,
) -> None:
    """Sign the contract's PDF (PAdES) with the party's certificate: with a key file, or on a device in two steps."""
    if sum(one is not None for one in (key, prepare, finish)) != 1 or bool(signature) != (finish is not None):
        raise click.UsageError("give one of --key, --prepare, and --finish with --signature")
    workspace, subject, who = opened(runtime), operator_subject(), party_of(party)
    if prepare is not None:
        prepared = prepare_seal(workspace, name=name, party=who, subject=subject)
        prepare.write_bytes(msgspec.json.encode(prepared))
        click.echo(base64.urlsafe_b64encode(prepared.attributes).rstrip(b"=").decode())
        return
    if finish is not None:
        asked = msgspec.json.decode(finish.read_bytes(), type=PreparedSeal)
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        seals = finish_seal(workspace, prepared=asked, party=who, raw=raw, subject=subject)
    else:
        seals = seal_with(workspace, name=name, party=who, key=private_key(key or Path()), subject=subject)
    for seal in seals:
        click.echo(f"{seal.field}  {'holds' if seal.good else 'DOES NOT HOLD'}  {seal.signer}")


@click.command(name="upload")
@click.argument("name")
@click.argument("pdf", type=FILE)
@JSON_OPTION
@click.pass_obj
@answers_refusals
def upload_command(runtime: Runtime, *, name: str, pdf: Path, as_json: bool) -> None:
    """Take a PDF signed elsewhere, for example with a qualified signature; checked against the folder `trust`.

    Ends with 3 when a signature's certificate leads to no root that is trusted here.
    """
    seals = take_signed_pdf(opened(runtime), name=name, signed=pdf.read_bytes(), subject=operator_subject())
    if as_json:
        show_json([asdict(seal) for seal in seals])
    else:
        for seal in seals:
            click.echo(f"{seal.field}  {'trusted' if seal.trusted else 'NOT TRUSTED'}  {seal.signer}")
    if not all(seal.good for seal in seals):
        sys.exit(DONE_WITH_FINDINGS)


@click.command(name="certificate")
@PARTY
@click.option("--kid", default="", help="Issue: id of the party's key on the ledger.")
@click.option("--method", type=click.Choice(METHODS), default=None, help="Issue: how the identity was checked.")
@click.option("--checked", type=DAY, default=None, help="Issue: the day of the check.")
@click.option("--checker", default="", help="Issue: who made the check.")
@click.option("--document-kind", type=click.Choice(DOCUMENT_KINDS), default="none", show_default=True)
@click.option("--key-storage", type=click.Choice(KEY_STORAGES), default="file", show_default=True)
@click.option("--revoke", is_flag=True, help="End the party's certificate and its key.")
@click.option("--crl", type=OUT, default=None, help="Write the revocation list of the party's organisation (DER).")
@click.pass_obj
@answers_refusals
def certificate_command(  # noqa: PLR0913 -- click gives each option by itself
    runtime: Runtime,
    *,
    party: str,
    kid: str,
    method: str | None,
    checked: datetime | None,
    checker: str,
    document_kind: str,
    key_storage: str,
    revoke: bool,
    crl: Path | None,
) -> None:
    """Issue a certificate to a person after an identity check, list, or revoke certificates."""
    workspace, who = opened(runtime), party_of(party)
    if kid:
        if method is None or checked is None or not checker:
            raise click.UsageError("a certificate needs --method, --checked and --checker: who made sure, how, when")
        check = IdentityCheck(method=method, day=checked.date(), checker=checker, document_kind=document_kind)
        row = issue_certificate(workspace, party=who, kid=kid, check=check, key_storage=key_storage)
        click.echo(row.serial)
    elif revoke:
        click.echo(f"revoked {revoke_certificate(workspace, party=who).serial}")
    for row in certificates(subject=operator_subject()):
        if row.account == who.account and not kid:
            state = f"revoked {instant(row.revoked_at)}" if row.revoked_at else f"until {instant(row.valid_to)}"
            click.echo(f"{row.serial}  key {row.kid}  {row.key_storage}  {state}")
    if crl is not None:
        crl.write_bytes(revocation_list(workspace, who.organisation))


@click.command(name="evidence")
@click.argument("name")
@click.option("--output", required=True, type=OUT, help="The zip to write.")
@click.pass_obj
@answers_refusals
def evidence_command(runtime: Runtime, *, name: str, output: Path) -> None:
    """Write the evidence pack: terms, documents, signatures, certificates, receipts (docs/check_contract.py)."""
    output.write_bytes(evidence_pack(opened(runtime), name=name, subject=operator_subject()))
    say(f"python docs/check_contract.py {output} --checkpoint-key KEY --root trust/ORGANISATION-ca.pem")
