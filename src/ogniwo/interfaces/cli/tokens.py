"""`ogniwo token`: switch payments on, issue, pay, hold and settle, dispute, redeem; points and rebates."""

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import NotADecimalError, format_decimal, parse_decimal
from ogniwo.core.ledger.rebates import Window
from ogniwo.interfaces.cli.arguments import COMMUNITY_OPTION, JSON_OPTION, MONTH, community_of, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json, show_table
from ogniwo.interfaces.cli.token_assess import assess_command, assessments_command
from ogniwo.interfaces.cli.token_thresholds import thresholds
from ogniwo.services.ledger import payments, rewarding
from ogniwo.services.workspace.queries import operator_subject

_HOUR_S = 3_600


class AssetType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """An asset such as PLN/2: its name and its decimals."""

    name = "asset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 -- click's signature
        """Check `PLN/2`."""
        if re.match(r"[A-Z][A-Z0-9-]{0,15}/[0-9]\Z", str(value)) is None:
            self.fail(f"{value!r} is not an asset such as PLN/2", param, ctx)
        return str(value)


class ClockType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A time of the day as HH:MM, in minutes after midnight; 24:00 is the end of the day."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 -- click's signature
        """Read `17:30`."""
        if isinstance(value, int):
            return value
        if re.match(r"(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z", str(value)) is None:
            self.fail(f"{value!r} is not a time such as 17:30", param, ctx)
        hours, minutes = str(value).split(":")
        return int(hours) * 60 + int(minutes)


ASSET = AssetType()
CLOCK = ClockType()
DAY = click.DateTime(formats=["%Y-%m-%d"])
ASSET_OPTION = click.option("--asset", type=ASSET, default=payments.PAYMENT_ASSET, show_default=True, help="The token.")
KEY_OPTION = click.option("--key", required=True, metavar="NAME", help="A key of the workspace's keystore.")
REASON_OPTION = click.option("--reason", default="", metavar="CODE", help="What it is for, as a code.")


def _minor(text: str, asset: str) -> int:
    """An amount such as 12.50 in minor units of the asset."""
    try:
        amount = parse_decimal(text, decimals=int(asset[-1]))
    except NotADecimalError as error:
        raise click.BadParameter(error.detail) from error
    if amount <= 0:
        raise click.BadParameter(f"{text} is not an amount above zero")
    return amount


def _shown(amount: int, asset: str) -> str:
    return f"{format_decimal(amount, decimals=int(asset[-1]), mark=',')} {asset.partition('/')[0]}"


def _done(transaction: str, *, as_json: bool, **more: object) -> None:
    if as_json:
        show_json({"transaction": transaction, **more})
    else:
        click.echo(transaction)


@click.group(name="token")
def token_group() -> None:
    """Payment tokens, points and rebates. Amounts as 12.50; the answer is the name of the transaction.

    \b
    Examples:
      ogniwo token switch on --basis limited-network --notice notice.txt
      ogniwo token key M-0001 --key anna
      ogniwo token issue M-0001 100.00
      ogniwo token pay M-0002 12.50 --key anna --from POINT/2 --from PLN/2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@token_group.command(name="switch")
@click.argument("state", type=click.Choice(["on", "off"]))
@ASSET_OPTION
@click.option("--basis", required=True, type=click.Choice(payments.BASES), help="The legal basis of this token.")
@click.option(
    "--notice",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Text file with the notice that was given.",
)
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def switch(
    runtime: Runtime,
    state: str,
    asset: str,
    basis: str,
    notice: Path,
    community: str,
    as_json: bool,  # noqa: FBT001 -- click's way
) -> None:
    """Switch a payment token on, or off: off, it only goes back to its issuer. The ledger keeps who, when and why."""
    name = payments.switch(
        opened(runtime),
        community=community_of(community),
        asset=asset,
        active=state == "on",
        basis=basis,
        notice=notice.read_text(encoding="utf-8"),
    )
    _done(name, as_json=as_json)


@token_group.command(name="key")
@click.argument("member")
@KEY_OPTION
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def key_command(runtime: Runtime, member: str, key: str, community: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Register a member's first key on the ledger; it is made in the keystore unless it is there."""
    kid = payments.register_member_key(
        opened(runtime), community=community_of(community), member=member, key=key, subject=operator_subject()
    )
    _done(kid, as_json=as_json)


@token_group.command(name="issue")
@click.argument("member")
@click.argument("amount")
@ASSET_OPTION
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def issue(runtime: Runtime, member: str, amount: str, asset: str, community: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Issue tokens to a member, for money that he paid in."""
    name = payments.issue(
        opened(runtime),
        community=community_of(community),
        member=member,
        asset=asset,
        amount=_minor(amount, asset),
        subject=operator_subject(),
    )
    _done(name, as_json=as_json)


@token_group.command(name="pay")
@click.argument("taker")
@click.argument("amount")
@KEY_OPTION
@click.option(
    "--from", "sources", multiple=True, metavar="ASSET[:CAP]", help="Pay from this, up to CAP; in order, repeatable."
)
@REASON_OPTION
@click.option("--invoice", default="", metavar="NUMBER", help="The bill this pays: the payment refers to it for ever.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def pay(
    runtime: Runtime,
    taker: str,
    amount: str,
    key: str,
    sources: tuple[str, ...],
    reason: str,
    invoice: str,
    as_json: bool,  # noqa: FBT001 -- click's way
) -> None:
    """Pay TAKER (a member's number, or `issuer`) from one's tokens in the given order."""
    assets = []
    for source in sources or (payments.PAYMENT_ASSET,):
        asset, _, cap = source.partition(":")
        asset = ASSET.convert(asset, None, None)
        assets.append((asset, _minor(cap, asset) if cap else 0))
    name = payments.pay(
        opened(runtime),
        key=key,
        taker=taker,
        amount=_minor(amount, assets[0][0]),
        assets=tuple(assets),
        reason=reason,
        subject=operator_subject(),
        invoice=invoice,
    )
    _done(name, as_json=as_json)


@token_group.command(name="hold")
@click.argument("taker")
@click.argument("amount")
@KEY_OPTION
@ASSET_OPTION
@click.option("--hours", type=click.IntRange(1, 9_600), default=72, show_default=True, help="How long it reserves.")
@REASON_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def hold(
    runtime: Runtime,
    taker: str,
    amount: str,
    key: str,
    asset: str,
    hours: int,
    reason: str,
    as_json: bool,  # noqa: FBT001 -- click's way
) -> None:
    """Reserve tokens for TAKER, who settles or frees them; the answer is the name of the hold."""
    name = payments.hold(
        opened(runtime),
        key=key,
        taker=taker,
        amount=_minor(amount, asset),
        asset=asset,
        seconds=hours * _HOUR_S,
        reason=reason,
        subject=operator_subject(),
    )
    _done(name, as_json=as_json)


@token_group.command(name="settle")
@click.argument("hold_name", metavar="HOLD")
@click.argument("amount")
@KEY_OPTION
@ASSET_OPTION
@click.option("--final", is_flag=True, help="Free the rest.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def settle(runtime: Runtime, hold_name: str, amount: str, key: str, asset: str, final: bool, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Take a part or all of what a hold reserves."""
    minor = _minor(amount, asset)
    _done(payments.settle(opened(runtime), key=key, name=hold_name, amount=minor, final=final), as_json=as_json)


@token_group.command(name="void")
@click.argument("hold_name", metavar="HOLD")
@KEY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def void(runtime: Runtime, hold_name: str, key: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Free what a hold reserves: the taker at any time, the giver once it expired."""
    _done(payments.void(opened(runtime), key=key, name=hold_name), as_json=as_json)


@token_group.command(name="dispute")
@click.argument("hold_name", metavar="HOLD")
@KEY_OPTION
@click.option("--text", required=True, help="What is wrong; kept here, the ledger gets its commitment.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def dispute(runtime: Runtime, hold_name: str, key: str, text: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Contest a hold as its giver: nobody settles it until a third party has decided."""
    _done(payments.dispute(opened(runtime), key=key, name=hold_name, text=text), as_json=as_json)


@token_group.command(name="resolve")
@click.argument("hold_name", metavar="HOLD")
@click.option("--key", default="operator", show_default=True, metavar="NAME", help="The key of who decides.")
@click.option("--amount", default="", help="What the taker gets; without it everything is freed.")
@click.option("--text", required=True, help="The grounds; kept here, the ledger gets their commitment.")
@ASSET_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def resolve(
    runtime: Runtime,
    hold_name: str,
    key: str,
    amount: str,
    text: str,
    asset: str,
    as_json: bool,  # noqa: FBT001 -- click's way
) -> None:
    """Decide a dispute; nobody decides his own case."""
    minor = _minor(amount, asset) if amount else 0
    _done(payments.resolve(opened(runtime), key=key, name=hold_name, amount=minor, text=text), as_json=as_json)


@token_group.command(name="redeem")
@click.argument("hold_name", metavar="HOLD")
@click.argument("amount")
@click.option("--transfer", required=True, help="Title or number of the bank transfer.")
@ASSET_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def redeem(runtime: Runtime, hold_name: str, amount: str, transfer: str, asset: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Take tokens back after paying their holder out: settles his hold in favour of `issuer`."""
    minor = _minor(amount, asset)
    _done(payments.pay_out(opened(runtime), name=hold_name, amount=minor, transfer=transfer), as_json=as_json)


def _rule_options(command: Callable[..., None]) -> Callable[..., None]:
    options = [
        click.option("--asset", type=ASSET, default=rewarding.POINT_ASSET, show_default=True, help="The points."),
        click.option("--per-kwh", default="", metavar="UNITS", help="Units per kWh inside the window, as 1.00."),
        click.option("--fixed", default="", metavar="UNITS", help="Units at a time, whatever the energy."),
        click.option("--channel", default="1.29.0", show_default=True, help="Which energy counts."),
        click.option("--begins", type=CLOCK, default="00:00", metavar="HH:MM", help="Start of the window, local time."),
        click.option("--ends", type=CLOCK, default="24:00", metavar="HH:MM", help="End of the window."),
        click.option("--weekdays", default="1234567", metavar="DIGITS", help="1 = Monday to 7 = Sunday."),
        click.option("--valid-from", type=DAY, required=True, metavar="YYYY-MM-DD", help="First day."),
        click.option("--valid-to", type=DAY, required=True, metavar="YYYY-MM-DD", help="Last day."),
        click.option("--lifetime-days", type=click.IntRange(0, 730), default=365, show_default=True, help="0 = ever."),
        click.option("--for", "codes", multiple=True, metavar="CODE", help="What new points are for; repeatable."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@token_group.command(name="rule")
@click.argument("name")
@_rule_options
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def rule_command(runtime: Runtime, name: str, community: str, as_json: bool, **given: Any) -> None:  # noqa: FBT001, ANN401 -- click's way
    """Define how points are earned: per kWh in a window of the day, or a fixed number. A rule never changes."""
    if bool(given["per_kwh"]) == bool(given["fixed"]):
        raise click.UsageError("give one of --per-kwh and --fixed")
    if given["ends"] <= given["begins"] or not re.match(r"[1-7]+\Z", given["weekdays"]):
        raise click.UsageError("the window ends after it begins, on weekdays such as 12345")
    window = Window(
        begins=given["begins"], ends=given["ends"], weekdays=tuple(sorted({int(one) for one in given["weekdays"]}))
    )
    terms = rewarding.RuleTerms(
        asset=given["asset"],
        channel=given["channel"],
        rate=_minor(given["per_kwh"] or given["fixed"], given["asset"]),
        window=window if given["per_kwh"] else None,
        valid_from=_date(given["valid_from"]),
        valid_to=_date(given["valid_to"]),
        lifetime_days=given["lifetime_days"],
        codes=tuple(given["codes"]),
    )
    workspace, organisation = opened(runtime), community_of(community)
    _done(rewarding.define_reward_rule(workspace, community=organisation, name=name, terms=terms), as_json=as_json)


def _date(value: datetime) -> date:
    return value.date()


@token_group.command(name="reward")
@click.argument("rule")
@click.option("--point", default="", help="Metering point code, with --month: rewards its energy.")
@click.option("--month", type=MONTH, default=None, metavar="YYYY-MM", help="The month of the energy.")
@click.option("--member", default="", help="Member's number, with --day: a fixed reward.")
@click.option("--day", type=DAY, default=None, metavar="YYYY-MM-DD", help="The day it is for.")
@click.option("--output", default="", metavar="FILE", help="Where to write the document that the member can check.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def reward(
    runtime: Runtime,
    rule: str,
    point: str,
    month: Month | None,
    member: str,
    day: datetime | None,
    output: str,
    as_json: bool,  # noqa: FBT001 -- click's way
) -> None:
    """Give what a rule promises: for a month of a point's energy, or to a member for a day."""
    subject = operator_subject()
    if point and month is not None and not member:
        given = rewarding.reward_energy(opened(runtime), rule=rule, point_code=point, month=month, subject=subject)
        if output:
            Path(output).write_bytes(given.document)
    elif member and day is not None and not (point or output):
        given = rewarding.reward_fixed(opened(runtime), rule=rule, member=member, day=day.date(), subject=subject)
    else:
        raise click.UsageError("give --point with --month, or --member with --day")
    if not as_json:
        say(f"{_shown(given.amount, given.asset)} for {given.wh} Wh on {given.days} days")
    _done(given.transaction, as_json=as_json, amount=given.amount, asset=given.asset, wh=given.wh, days=given.days)


@token_group.command(name="check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON_OPTION
@click.pass_obj
@answers_refusals
def check(runtime: Runtime, file: Path, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Check the document of a reward against the ledger: every quarter-hour, the window, the sum, the commitment."""
    amount, asset = rewarding.check_rebate_file(opened(runtime), data=file.read_bytes())
    if as_json:
        show_json({"amount": amount, "asset": asset, "passed": True})
    else:
        click.echo(f"true: {_shown(amount, asset)}")


@token_group.command(name="balance")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def balance(runtime: Runtime, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show what each member has, what is reserved of it, and what expires next."""
    found = payments.token_balances(opened(runtime), subject=operator_subject())
    if as_json:
        show_json([{name: getattr(one, name) for name in one.__slots__} for one in found])
        return
    show_table(
        headers=("member", "asset", "balance", "reserved", "available", "next to expire"),
        rows=[
            (
                one.member,
                one.asset,
                *(
                    format_decimal(amount, decimals=int(one.asset[-1]), mark=",")
                    for amount in (one.balance, one.reserved, one.available, one.expiring)
                ),
            )
            for one in found
        ],
        right=frozenset({2, 3, 4, 5}),
    )


token_group.add_command(thresholds)
token_group.add_command(assess_command)
token_group.add_command(assessments_command)
