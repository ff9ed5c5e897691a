"""`ogniwo contract`: e-contracts between members and organisations, from the draft to the evidence."""

import sys
import tomllib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.arguments import INSTANT, JSON_OPTION, MONTH, opened
from ogniwo.interfaces.cli.contract_papers import (
    DAY,
    FILE,
    KEY,
    OUT,
    PARTY,
    certificate_command,
    evidence_command,
    party_of,
    private_key,
    seal_command,
    upload_command,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import DONE_WITH_FINDINGS, answers_refusals, say, show_json, show_table
from ogniwo.services.contracts.conditions import signature_conditions
from ogniwo.services.contracts.drafting import TEMPLATES, Frame, draft_contract
from ogniwo.services.contracts.econtract_parties import ContractParty, register_party_key
from ogniwo.services.contracts.econtracts import (
    PeriodView,
    close_period,
    contracts,
    econtract,
    erase,
    periods_of,
    propose,
    sign_with,
    signing_payload,
    take_envelope,
    terminate,
    withdraw,
)
from ogniwo.services.contracts.sealing import seal_with
from ogniwo.services.workspace.queries import operator_subject


@click.group(name="contract")
def contract_group() -> None:
    """E-contracts: draft, propose, sign with each party's own key, close months, prove.

    A contract is named by the first letters of its name on the ledger; a party by member number or organisation code.

    \b
    Examples:
      ogniwo contract draft energy-supply terms.toml --provider SE-039 --user SE-004 --from 2026-11-01 --output umowa
      ogniwo contract propose umowa/terms.json
      ogniwo contract sign 3f9a --party SE-004 --key anna.pem
      ogniwo contract evidence 3f9a --output evidence.zip
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


def _by(party: str, key: Path | None) -> tuple[ContractParty, ec.EllipticCurvePrivateKey] | None:
    """A party with its key, or None for the operator."""
    if bool(party) != (key is not None):
        raise click.UsageError("give --party and --key together, or neither to act as the operator")
    return (party_of(party), private_key(key)) if key is not None else None


@contract_group.command(name="draft")
@click.argument("template", type=click.Choice(TEMPLATES))
@click.argument("parameters", type=FILE)
@click.option("--provider", required=True, metavar="WORD", help="Who supplies, lets, lends.")
@click.option("--user", required=True, metavar="WORD", help="Who takes, rents, borrows.")
@click.option("--from", "valid_from", required=True, type=DAY, help="First day.")
@click.option("--to", "valid_to", default=None, type=DAY, help="First day no longer covered; without it open.")
@click.option("--asset", default="DUE/2", show_default=True, help="What is owed in: a claim or a payment token.")
@click.option("--notice-days", default=30, show_default=True, type=click.IntRange(0, 366))
@click.option("--withdraw-days", default=14, show_default=True, type=click.IntRange(0, 366), help="For consumers.")
@click.option("--language", default="pl", show_default=True, type=click.Choice(("pl", "en")))
@click.option("--clause", "clauses", multiple=True, help="A further provision; may be repeated.")
@click.option("--replaces", default="", metavar="NAME", help="The contract that this one amends.")
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def draft(  # noqa: PLR0913 -- click gives each option by itself
    runtime: Runtime,
    *,
    template: str,
    parameters: Path,
    provider: str,
    user: str,
    valid_from: datetime,
    valid_to: datetime | None,
    asset: str,
    notice_days: int,
    withdraw_days: int,
    language: str,
    clauses: tuple[str, ...],
    replaces: str,
    output: Path,
    as_json: bool,
) -> None:
    """Draft a contract: terms as JSON and PDF into a folder; nothing is stored and nobody is bound.

    PARAMETERS is a small TOML file; docs/contracts.md lists what each template takes.
    """
    _write_draft(
        runtime,
        template=template,
        parameters=parameters,
        words=(provider, user),
        frame=Frame(
            asset=asset,
            valid_from=valid_from.date(),
            valid_to=valid_to.date() if valid_to else None,
            notice_days=notice_days,
            withdraw_days=withdraw_days,
            language=language,
            clauses=clauses,
            replaces=econtract(replaces, subject=operator_subject()).name if replaces else "",
        ),
        output=output,
        as_json=as_json,
    )


def _write_draft(
    runtime: Runtime,
    *,
    template: str,
    parameters: Path,
    words: tuple[str, str],
    frame: Frame,
    output: Path,
    as_json: bool,
) -> None:
    try:
        given = tomllib.loads(parameters.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{parameters} is no TOML: {error}") from error
    drafted = draft_contract(
        opened(runtime),
        template=template,
        provider=words[0],
        user=words[1],
        parameters=given,
        frame=frame,
        subject=operator_subject(),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / "terms.json").write_bytes(drafted.terms)
    (output / "contract.pdf").write_bytes(drafted.pdf)
    if as_json:
        show_json({"commitment": drafted.commitment, "document": drafted.document})
        return
    click.echo(f"terms    {output / 'terms.json'}  commitment {drafted.commitment}")
    click.echo(f"document {output / 'contract.pdf'}  SHA-256 {drafted.document}")


@contract_group.command(name="key")
@PARTY
@click.option("--key", required=True, type=FILE, help="The private key (PEM) to register; it stays where it is.")
@click.option("--device", default="file", show_default=True, help="What the key is kept on.")
@click.pass_obj
@answers_refusals
def key_command(runtime: Runtime, *, party: str, key: Path, device: str) -> None:
    """Register a party's key on the ledger; the key signs its own registration. Prints its id."""
    kid = register_party_key(opened(runtime), party=party_of(party), key=private_key(key), device=device)
    click.echo(kid)


@contract_group.command(name="propose")
@click.argument("terms", type=FILE)
@click.option("--party", default="", metavar="WORD", help="Who proposes; without it the operator.")
@KEY
@click.pass_obj
@answers_refusals
def propose_command(runtime: Runtime, *, terms: Path, party: str, key: Path | None) -> None:
    """Put drafted terms before the parties; prints the contract's name."""
    name = propose(opened(runtime), terms=terms.read_bytes(), subject=operator_subject(), by=_by(party, key))
    click.echo(name)


@contract_group.command(name="sign")
@click.argument("name")
@PARTY
@KEY
@click.option("--payload", type=OUT, default=None, help="Write what the party's device has to sign, and stop.")
@click.option("--envelope", type=FILE, default=None, help="The JWS envelope that the device made of the payload.")
@click.option("--pdf", is_flag=True, help="Sign the PDF too (PAdES), with the party's certificate.")
@click.pass_obj
@answers_refusals
def sign(
    runtime: Runtime, *, name: str, party: str, key: Path | None, payload: Path | None, envelope: Path | None, pdf: bool
) -> None:
    """Sign a contract as a party: with a key file, or on a device in two steps (--payload, then --envelope)."""
    if sum(one is not None for one in (key, payload, envelope)) != 1 or (pdf and key is None):
        raise click.UsageError("give one of --key, --payload and --envelope; --pdf goes with --key")
    workspace, subject, who = opened(runtime), operator_subject(), party_of(party)
    if payload is not None:
        payload.write_bytes(signing_payload(workspace, name=name, party=who, subject=subject))
    elif envelope is not None:
        click.echo(take_envelope(workspace, envelope.read_bytes(), subject=subject))
    elif key is not None:
        private = private_key(key)
        click.echo(sign_with(workspace, name=name, party=who, key=private, subject=subject))
        if pdf:
            for seal in seal_with(workspace, name=name, party=who, key=private, subject=subject):
                say(f"PDF signature {seal.field}: {'holds' if seal.good else 'DOES NOT HOLD'} ({seal.signer})")


@contract_group.command(name="list")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_command(runtime: Runtime, *, as_json: bool) -> None:
    """List contracts with their state."""
    found = contracts(opened(runtime), subject=operator_subject())
    if as_json:
        show_json([asdict(one) for one in found])
        return
    show_table(
        headers=("contract", "template", "state", "parties", "signed by"),
        rows=[
            (one.name[:16], one.template, one.status, ", ".join(one.parties), ", ".join(one.signed_by)) for one in found
        ],
    )


@contract_group.command(name="show")
@click.argument("name")
@click.option("--conditions", is_flag=True, help="Show the four conditions of eIDAS art. 26 and what meets each.")
@click.option("--pdf", type=OUT, default=None, help="Write the newest PDF, with its signatures, to this file.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, name: str, conditions: bool, pdf: Path | None, as_json: bool) -> None:
    """Show a contract: its state, its closed months, its documents."""
    workspace, subject = opened(runtime), operator_subject()
    record = econtract(name, subject=subject)
    if pdf is not None:
        pdf.write_bytes(bytes(record.signed_pdf) or bytes(record.pdf))
    view = next(one for one in contracts(workspace, subject=subject) if one.name == record.name)
    periods = periods_of(workspace, name=record.name, subject=subject)
    checked = signature_conditions(workspace, name=record.name, subject=subject) if conditions else ()
    if as_json:
        show_json(
            asdict(view) | {"periods": [asdict(one) for one in periods], "conditions": [asdict(one) for one in checked]}
        )
    else:
        for word, value in asdict(view).items():
            click.echo(f"{word:13} {', '.join(value) if isinstance(value, tuple) else value}")
        _show_periods(periods)
        for one in checked:
            click.echo(f"({one.letter}) {one.account}: {one.asks}: {'met' if one.met else 'NOT MET'} - {one.how}")
    if not all(one.met for one in checked):
        sys.exit(DONE_WITH_FINDINGS)


def _show_periods(periods: tuple[PeriodView, ...]) -> None:
    if not periods:
        return
    show_table(
        headers=("month", "obligation", "quantity", "amount", "posted", "shortfall", "asset"),
        rows=[
            (
                one.period,
                f"{one.obligation} {one.kind}",
                str(one.quantity),
                *(
                    format_decimal(value, decimals=int(one.asset[-1]), mark=",")
                    for value in (one.amount, one.posted, one.shortfall)
                ),
                one.asset,
            )
            for one in periods
        ],
        right=frozenset({2, 3, 4, 5}),
    )


@contract_group.command(name="withdraw")
@click.argument("name")
@PARTY
@click.option("--key", required=True, type=FILE, help="The party's private key (PEM).")
@click.pass_obj
@answers_refusals
def withdraw_command(runtime: Runtime, *, name: str, party: str, key: Path) -> None:
    """Take a proposal back, decline it, or withdraw as a consumer within the agreed days."""
    click.echo(
        withdraw(opened(runtime), name=name, party=party_of(party), key=private_key(key), subject=operator_subject())
    )


@contract_group.command(name="terminate")
@click.argument("name")
@PARTY
@click.option("--key", "keys", required=True, multiple=True, type=FILE, help="Private key; of all parties: at once.")
@click.option("--ends", default=None, type=INSTANT, help="When it ends; without it as early as may be.")
@click.pass_obj
@answers_refusals
def terminate_command(
    runtime: Runtime, *, name: str, party: str, keys: tuple[Path, ...], ends: datetime | None
) -> None:
    """End a contract: one party by notice, all parties together at once."""
    click.echo(
        terminate(
            opened(runtime),
            name=name,
            party=party_of(party),
            keys=[private_key(key) for key in keys],
            ends=ends,
            subject=operator_subject(),
        )
    )


@contract_group.command(name="amend")
@click.argument("name")
@click.argument("terms", type=FILE)
@click.option("--party", default="", metavar="WORD", help="Who proposes; without it the operator.")
@KEY
@click.pass_obj
@answers_refusals
def amend(runtime: Runtime, *, name: str, terms: Path, party: str, key: Path | None) -> None:
    """Propose terms drafted with --replaces; they take over when all parties have signed them."""
    subject = operator_subject()
    replaced = econtract(name, subject=subject).name
    data: Any = msgspec.json.decode(terms.read_bytes())
    if not isinstance(data, dict) or data.get("terms", {}).get("replaces") != replaced:
        raise click.UsageError(f"{terms} was not drafted with --replaces {name}")
    click.echo(propose(opened(runtime), terms=terms.read_bytes(), subject=subject, by=_by(party, key)))


@contract_group.command(name="close-period")
@click.argument("name")
@click.argument("month", type=MONTH, metavar="YYYY-MM")
@click.option("--party", default="", metavar="WORD", help="Who closes; without it the operator.")
@KEY
@click.option(
    "--measured",
    multiple=True,
    type=(click.IntRange(0, 15), click.IntRange(0), str),
    metavar="OBLIGATION FIGURE COMMITMENT",
    help="A figure the ledger does not hold: Wh of a discount, minor units of charging.",
)
@JSON_OPTION
@click.pass_obj
@answers_refusals
def close_command(
    runtime: Runtime,
    *,
    name: str,
    month: Month,
    party: str,
    key: Path | None,
    measured: tuple[tuple[int, int, str], ...],
    as_json: bool,
) -> None:
    """Close a past month: the ledger reckons what is owed, once, as holds or debts.

    Ends with 3 when a balance did not cover what is owed; closing again later takes the shortfall up.
    """
    periods = close_period(
        opened(runtime), name=name, month=month, measured=measured, by=_by(party, key), subject=operator_subject()
    )
    if as_json:
        show_json([asdict(one) for one in periods])
    else:
        _show_periods(periods)
    if any(one.shortfall for one in periods):
        sys.exit(DONE_WITH_FINDINGS)


@contract_group.command(name="erase")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without this nothing happens.")
@click.pass_obj
@answers_refusals
def erase_command(runtime: Runtime, *, name: str, yes: bool) -> None:
    """Erase terms, salt and documents of a contract for good; its proofs on the ledger stay and say nothing more."""
    if not yes:
        say("erasing cannot be undone; give --yes")
        sys.exit(2)
    erase(opened(runtime), name=name, subject=operator_subject())


for _command in (seal_command, upload_command, certificate_command, evidence_command):
    contract_group.add_command(_command)
