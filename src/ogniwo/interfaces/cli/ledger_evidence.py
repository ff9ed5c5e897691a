"""`ogniwo ledger timestamp`: what makes the ledger evidence for others."""

import click

from ogniwo.interfaces.cli.arguments import JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, show_json
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.ledger.timestamping import stamp_checkpoint


@click.command(name="timestamp")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def timestamp(runtime: Runtime, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Have the newest checkpoint stamped by the authority of timestamps.toml (RFC 3161) and keep the stamp.

    Meant for once a day. A checkpoint that has its stamp is not stamped again. Works beside `ogniwo ledger serve`.
    """
    stamp = stamp_checkpoint(opened(runtime))
    if as_json:
        show_json(
            {"size": stamp.size, "time": instant(stamp.time), "signer": stamp.signer, "new": stamp.new},
        )
        return
    click.echo(f"log entries: {stamp.size}")
    click.echo(f"stamped at:  {instant(stamp.time)}{'' if stamp.new else ' (earlier; nothing was added since)'}")
    click.echo(f"by:          {stamp.signer}")
