"""`ogniwo purchase`: a group buys energy together, and each step can be checked afterwards."""

import sys
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ogniwo.core.contracts.group_purchase import (
    HOURS,
    Band,
    Choice,
    ComparedOffer,
    Offer,
    OfferError,
    PurchaseTerms,
    Weight,
    compare_offers,
    pooled,
)
from ogniwo.core.kernel.quantities import WH_PER_KWH_DECIMALS, NotADecimalError, Rate, format_decimal, parse_decimal
from ogniwo.core.ledger.signing import sign
from ogniwo.interfaces.cli.arguments import INSTANT, JSON_OPTION, ORGANISATION_OPTION, PRICE, opened, organisation_of
from ogniwo.interfaces.cli.contract_papers import DAY, FILE, KEY, OUT, private_key
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import DONE_WITH_FINDINGS, answers_refusals, say, show_json, show_table
from ogniwo.interfaces.cli.texts import instant, kwh, money, zl
from ogniwo.services.contracts.purchase_state import GroupPurchase, check_purchase, purchase_of
from ogniwo.services.contracts.purchases import (
    Wish,
    conclude,
    declaration_payload,
    join,
    open_purchase,
    propose_contracts,
    reveal_offer,
    sealed_offer,
    take_offer,
    vote,
    vote_payload,
)
from ogniwo.services.workspace.queries import operator_subject

_MEMBER = click.option("--member", required=True, metavar="NUMBER", help="The member.")
_PAYLOAD = click.option("--payload", type=OUT, default=None, help="Write what the member's device has to sign; stop.")
_ENVELOPE = click.option("--envelope", type=FILE, default=None, help="The JWS envelope that the device made.")
_GROSZ_DECIMALS = 2
_PRICE_DECIMALS = 6
_E8_PER_PRICE_UNIT = 100


@click.group(name="purchase")
def purchase_group() -> None:
    """Buy energy as a group: open, join, sealed offers, open them, compare, vote, result, contracts.

    Each step is anchored on the ledger when it happens. docs/purchases.md shows all of it by an example.

    \b
    Examples:
      ogniwo -w coop purchase show grupa-2027
      ogniwo -w coop purchase join grupa-2027 --member SE-004 --year-kwh 2400 --ceiling 560 --key anna.pem
      ogniwo -w coop purchase compare grupa-2027
      ogniwo -w coop purchase check grupa-2027
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


def _purchase(code: str, organisation: str) -> GroupPurchase:
    return purchase_of(organisation=organisation_of(organisation), code=code, subject=operator_subject())


@purchase_group.command(name="open")
@click.argument("code")
@click.option("--from", "first", required=True, type=DAY, help="First day of supply.")
@click.option("--to", "last_exclusive", required=True, type=DAY, help="First day no longer supplied.")
@click.option("--join-until", required=True, type=INSTANT, help="Declarations come before this instant.")
@click.option("--offers-until", required=True, type=INSTANT, help="Sealed offers come before this.")
@click.option("--open-until", required=True, type=INSTANT, help="Offers are opened before this.")
@click.option("--votes-until", required=True, type=INSTANT, help="Votes come before this.")
@click.option("--choice", type=click.Choice([one.value for one in Choice]), default="votes", show_default=True)
@click.option("--weight", type=click.Choice([one.value for one in Weight]), default="volume", show_default=True)
@click.option("--least-percent", type=click.IntRange(0, 100), default=50, show_default=True, help="Of all weight.")
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def open_command(  # noqa: PLR0913 -- click gives each option by itself
    runtime: Runtime,
    *,
    code: str,
    first: datetime,
    last_exclusive: datetime,
    join_until: datetime,
    offers_until: datetime,
    open_until: datetime,
    votes_until: datetime,
    choice: str,
    weight: str,
    least_percent: int,
    organisation: str,
) -> None:
    """Open a group purchase: its terms go on the ledger and never change. Prints their commitment."""
    terms = PurchaseTerms(
        first=first.date(),
        last_exclusive=last_exclusive.date(),
        join_until_s=int(join_until.timestamp()),
        offers_until_s=int(offers_until.timestamp()),
        open_until_s=int(open_until.timestamp()),
        votes_until_s=int(votes_until.timestamp()),
        choice=Choice(choice),
        weight=Weight(weight),
        least_percent=least_percent,
    )
    workspace = opened(runtime)
    click.echo(open_purchase(workspace, organisation=organisation_of(organisation), code=code, terms=terms))


@purchase_group.command(name="join")
@click.argument("code")
@_MEMBER
@click.option("--year-kwh", default="", help="Yearly energy, spread evenly over the day; without it by the readings.")
@click.option("--ceiling", type=PRICE, default=None, metavar="ZŁ/MWh", help="The most on average, fees included, net.")
@KEY
@_PAYLOAD
@_ENVELOPE
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def join_command(  # noqa: PLR0913 -- click gives each option by itself
    runtime: Runtime,
    *,
    code: str,
    member: str,
    year_kwh: str,
    ceiling: Rate | None,
    key: Path | None,
    payload: Path | None,
    envelope: Path | None,
    organisation: str,
) -> None:
    """Join with a declaration that the member signs: with a key file, or on a device (--payload, then --envelope)."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    if envelope is not None:
        click.echo(join(workspace, purchase=purchase, member=member, envelope=envelope.read_bytes()))
        return
    if ceiling is None or (key is None) == (payload is None):
        raise click.UsageError("give --ceiling and one of --key and --payload, or --envelope alone")
    year_wh = _decimal(year_kwh, WH_PER_KWH_DECIMALS) if year_kwh else 0
    wish = Wish(ceiling_e8=ceiling.value_e8, year_wh=year_wh)
    asked = declaration_payload(workspace, purchase=purchase, member=member, wish=wish)
    if payload is not None:
        payload.write_bytes(asked)
    elif key is not None:
        signed = sign(asked, keys=[private_key(key)])
        click.echo(join(workspace, purchase=purchase, member=member, envelope=signed))


@purchase_group.command(name="seal")
@click.argument("code")
@click.argument("offer", type=FILE)
@click.option("--supplier", required=True, metavar="WORD", help="Organisation's code or member's number.")
@click.option("--output", required=True, type=OUT, help="The file to keep secret until offers are opened.")
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def seal(runtime: Runtime, *, code: str, offer: Path, supplier: str, output: Path, organisation: str) -> None:
    """Seal an offer (a TOML file): writes offer and salt to a file, prints the commitment, stores nothing."""
    opened(runtime)
    content, sealed = sealed_offer(purchase=_purchase(code, organisation), offer=_offer(offer, supplier))
    output.write_bytes(content)
    click.echo(sealed)


def _offer(path: Path, supplier: str) -> Offer:
    """`price` or `[[band]]` tables with `hours` and `price` (zł/MWh), `monthly` (zł), `least_kwh`."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = given.get("band") or [{"hours": list(range(HOURS)), "price": given["price"]}]
        return Offer(
            supplier=supplier,
            bands=tuple(
                Band(hours=tuple(row["hours"]), price_e8=_decimal(row["price"], _PRICE_DECIMALS) * _E8_PER_PRICE_UNIT)
                for row in rows
            ),
            monthly_grosz=_decimal(given.get("monthly", "0"), _GROSZ_DECIMALS),
            least_wh=_decimal(given.get("least_kwh", "0"), WH_PER_KWH_DECIMALS),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise OfferError(detail=f"{path.name} is no offer: {error}") from error


def _decimal(text: object, decimals: int) -> int:
    try:
        return parse_decimal(str(text), decimals=decimals)
    except NotADecimalError as error:
        raise click.UsageError(error.detail) from error


@purchase_group.command(name="offer")
@click.argument("code")
@click.argument("sealed")
@click.option("--supplier", required=True, metavar="WORD", help="Organisation's code or member's number.")
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def offer_command(runtime: Runtime, *, code: str, sealed: str, supplier: str, organisation: str) -> None:
    """Take the commitment to a supplier's sealed offer and anchor it; nobody learns what it says."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    click.echo(take_offer(workspace, purchase=purchase, supplier=supplier, sealed=sealed, subject=operator_subject()))


@purchase_group.command(name="reveal")
@click.argument("code")
@click.argument("offer", type=FILE)
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def reveal(runtime: Runtime, *, code: str, offer: Path, organisation: str) -> None:
    """Open a sealed offer with the supplier's file; another offer than the sealed one is refused."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    found = reveal_offer(workspace, purchase=purchase, opened=offer.read_bytes(), subject=operator_subject())
    click.echo(f"{found.supplier}: {_offer_text(found)}")


def _offer_text(offer: Offer) -> str:
    bands = ", ".join(
        f"{format_decimal(band.price_e8 // _E8_PER_PRICE_UNIT, decimals=_PRICE_DECIMALS)} zł/MWh"
        + ("" if len(band.hours) == HOURS else f" in hours {', '.join(str(hour) for hour in sorted(band.hours))}")
        for band in offer.bands
    )
    fee = f"{bands}, {zl(offer.monthly_grosz)} zł a month and member" if offer.monthly_grosz else bands
    return f"{fee}, from {kwh(offer.least_wh)} kWh a year on" if offer.least_wh else fee


@purchase_group.command(name="show")
@click.argument("code")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, code: str, organisation: str, as_json: bool) -> None:
    """Show the stage, the group's volume and pooled profile, and who has offered."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    terms, hours = purchase.terms, pooled(purchase.declarations)
    stage = terms.stage(int(workspace.now().timestamp()))
    if as_json:
        show_json(
            {
                "purchase": code,
                "stage": stage.value,
                "opening": purchase.opening,
                "members": len(purchase.declarations),
                "volume_wh": sum(hours),
                "hours_wh": list(hours),
                "sealed": dict(purchase.sealed),
                "opened": [one.supplier for one in purchase.offers],
                "votes": len(purchase.votes),
                "result": dict(purchase.result),
                "contracts": dict(purchase.contracts),
            }
        )
        return
    click.echo(f"{code}: {stage}; supply {terms.first} to {terms.last_exclusive}, terms {purchase.opening}")
    for name, until in (
        ("join", terms.join_until_s),
        ("offers", terms.offers_until_s),
        ("open offers", terms.open_until_s),
        ("votes", terms.votes_until_s),
    ):
        click.echo(f"  {name} until {instant(datetime.fromtimestamp(until, tz=UTC))}")
    click.echo(f"{len(purchase.declarations)} members, {kwh(sum(hours))} kWh a year; kWh by hour of the day:")
    show_table(
        headers=("hour", "kWh a year"),
        rows=[(f"{hour:02d}", kwh(wh)) for hour, wh in enumerate(hours)],
        right=frozenset({1}),
    )
    for supplier, sealed in purchase.sealed.items():
        offer = next((one for one in purchase.offers if one.supplier == supplier), None)
        click.echo(f"{supplier}: {_offer_text(offer) if offer else f'sealed, {sealed}'}")


@purchase_group.command(name="compare")
@click.argument("code")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def compare(runtime: Runtime, *, code: str, organisation: str, as_json: bool) -> None:
    """Compare the opened offers for the whole group and each member: zł net for a year, and who would stay."""
    opened(runtime)
    purchase = _purchase(code, organisation)
    compared = compare_offers(purchase.declarations, purchase.offers)
    if as_json:
        show_json([_compared_document(one) for one in compared])
        return
    show_table(
        headers=("supplier", "group zł net", "staying kWh", "staying zł net", "can be chosen"),
        rows=[
            (
                one.supplier,
                zl(one.group_grosz),
                kwh(one.staying_wh),
                zl(one.staying_grosz),
                "yes" if one.available else "no, too few would stay",
            )
            for one in compared
        ],
        right=frozenset({1, 2, 3}),
    )
    click.echo()
    show_table(
        headers=("member", "kWh a year", *(f"{one.supplier} zł net" for one in compared)),
        rows=[
            (
                cost.member,
                kwh(cost.volume_wh),
                *(
                    f"{zl(one.members[row].grosz)}{'' if one.members[row].stays else ' above the ceiling'}"
                    for one in compared
                ),
            )
            for row, cost in enumerate(compared[0].members if compared else ())
        ],
        right=frozenset({1}),
    )


def _compared_document(one: ComparedOffer) -> dict[str, Any]:
    return {
        "supplier": one.supplier,
        "group": money(one.group_grosz),
        "staying_wh": one.staying_wh,
        "staying": money(one.staying_grosz),
        "available": one.available,
        "members": [
            {"member": cost.member, "volume_wh": cost.volume_wh, "cost": money(cost.grosz), "stays": cost.stays}
            for cost in one.members
        ],
    }


@purchase_group.command(name="vote")
@click.argument("code")
@_MEMBER
@click.option("--supplier", default="", metavar="WORD", help="Whose offer.")
@KEY
@_PAYLOAD
@_ENVELOPE
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def vote_command(
    runtime: Runtime,
    *,
    code: str,
    member: str,
    supplier: str,
    key: Path | None,
    payload: Path | None,
    envelope: Path | None,
    organisation: str,
) -> None:
    """Vote for an opened offer; the member signs: with a key file, or on a device (--payload, then --envelope)."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    if envelope is not None:
        click.echo(vote(workspace, purchase=purchase, member=member, envelope=envelope.read_bytes()))
        return
    if not supplier or (key is None) == (payload is None):
        raise click.UsageError("give --supplier and one of --key and --payload, or --envelope alone")
    asked = vote_payload(workspace, purchase=purchase, member=member, supplier=supplier)
    if payload is not None:
        payload.write_bytes(asked)
    elif key is not None:
        signed = sign(asked, keys=[private_key(key)])
        click.echo(vote(workspace, purchase=purchase, member=member, envelope=signed))


@purchase_group.command(name="result")
@click.argument("code")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def result(runtime: Runtime, *, code: str, organisation: str, as_json: bool) -> None:
    """Show what the rule chose when votes are over; the first time it is put on the ledger."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    if not purchase.result:
        conclude(workspace, purchase=purchase)
        purchase = _purchase(code, organisation)
    found = purchase.result
    if as_json:
        show_json(dict(found))
        return
    click.echo(f"chosen: {found['chosen'] or 'nothing'} ({found['outcome']})")
    click.echo(f"voted {found['voted']} of {found['weight']}: {found['weights']}")
    click.echo(f"stay: {', '.join(found['stays']) or '-'}; out by their ceiling: {', '.join(found['out']) or '-'}")


@purchase_group.command(name="contracts")
@click.argument("code")
@click.option("--asset", default="DUE/2", show_default=True, help="What is owed in: a claim or a payment token.")
@ORGANISATION_OPTION
@click.pass_obj
@answers_refusals
def contracts_command(runtime: Runtime, *, code: str, asset: str, organisation: str) -> None:
    """Propose a supply contract at the chosen price for each point of who stays; `ogniwo contract sign` signs it."""
    workspace = opened(runtime)
    purchase = _purchase(code, organisation)
    made = propose_contracts(workspace, purchase=purchase, asset=asset, subject=operator_subject())
    for member, point, name in made:
        click.echo(f"{member} {point} {name}")
    say(f"{len(made)} contracts proposed")


@purchase_group.command(name="check")
@click.argument("code")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def check(runtime: Runtime, *, code: str, organisation: str, as_json: bool) -> None:
    """Hold every document against the ledger: commitment, block time, signature; work the result out again.

    Exit codes: 0 all holds, 3 something does not.
    """
    workspace = opened(runtime)
    organisation_found = organisation_of(organisation)
    checked = check_purchase(workspace, organisation=organisation_found, code=code, subject=operator_subject())
    if as_json:
        show_json([asdict(one) for one in checked])
    else:
        show_table(
            headers=("step", "of", "commitment", "block time", "holds"),
            rows=[
                (one.step, one.word, one.commitment[:16], str(one.time_s), "; ".join(one.faults) or "yes")
                for one in checked
            ],
        )
    sys.exit(DONE_WITH_FINDINGS if any(one.faults for one in checked) else 0)
