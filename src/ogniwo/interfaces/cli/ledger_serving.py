"""`ogniwo ledger serve`, `follow` and `admit-reader`: the ledger over HTTP, and an auditor's own copy of it."""

import sys
import time
from pathlib import Path

import click

from ogniwo.interfaces.cli.arguments import opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say
from ogniwo.services.ledger.following import Followed, create_follower, follow, open_follower
from ogniwo.services.ledger.founding import admit_reader
from ogniwo.services.ledger.serving import serving


@click.command(name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8030, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 takes a free one."
)
@click.option(
    "--keep-every",
    default=600,
    show_default=True,
    type=click.IntRange(0, 86_400),
    help="Seconds between checkpoints that are kept, cosigned by witnesses, and stamped once a day; 0 keeps none.",
)
@click.pass_obj
@answers_refusals
def serve(runtime: Runtime, host: str, port: int, keep_every: int) -> None:
    """Take transactions and answer queries over HTTP until stopped; prints its address.

    It is the ledger's one writer meanwhile: other commands on this ledger answer that it is locked.
    """
    from ogniwo.interfaces.ledger_http.server import listen  # noqa: PLC0415 -- only this command needs a web server
    from ogniwo.interfaces.ledger_http.server import serve as run  # noqa: PLC0415 -- the same

    workspace = opened(runtime)
    with serving(workspace) as (served, keeper):
        listening = listen(host, port)
        address = f"[{host}]" if ":" in host else host

        def keep() -> None:
            for sentence in keeper.keep():
                say(sentence)

        run(
            served,
            listening=listening,
            started=lambda: click.echo(f"http://{address}:{listening.getsockname()[1]}"),
            chore=keep,
            chore_every_s=keep_every,
        )
    say("stopped; everything that was answered is on the ledger")


@click.command(name="admit-reader")
@click.argument("request", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
@answers_refusals
def admit(runtime: Runtime, request: Path) -> None:
    """Let an auditor's node read the whole ledger: REQUEST is the file that `follow --create` made."""
    click.echo(f"{admit_reader(opened(runtime), request=request.read_bytes())} may read every block")


@click.command(name="follow")
@click.argument("url", default="")
@click.option(
    "--folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the node keeps its key, its copy and the checkpoints it saw.",
)
@click.option("--create", is_flag=True, help="Make the node's key and the request for the operator; follows nothing.")
@click.option("--account", default="", help="With --create: the account to read as, such as OPERATOR/auditor.")
@click.option("--checkpoint-key", default="", help="With --create: the ledger's checkpoint key, not taken from URL.")
@click.option("--every", default=0, type=click.IntRange(0, 86_400), help="Look again after so many seconds, for ever.")
@answers_refusals
def follow_command(url: str, folder: Path, create: bool, account: str, checkpoint_key: str, every: int) -> None:  # noqa: FBT001 -- click's way
    """Keep an own copy of the ledger served at URL: replay every block with its signatures, refuse a fork.

    \b
    Examples:
      ogniwo ledger follow --create --folder copy --account op/auditor --checkpoint-key KEY
      ogniwo ledger admit-reader copy/request.json     what the operator does, once
      ogniwo ledger follow http://127.0.0.1:8030 --folder copy --every 60
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    if create:
        if not account or not checkpoint_key or url:
            say("--create takes --account and --checkpoint-key, and no URL")
            sys.exit(2)
        request = create_follower(folder=folder, account=account, checkpoint_key=checkpoint_key, now_s=int(time.time()))
        say(f"give {request} to the operator, who admits it with `ogniwo ledger admit-reader`")
        return
    if not url or account or checkpoint_key:
        say("give the URL of a served ledger; --account and --checkpoint-key belong to --create")
        sys.exit(2)
    follower = open_follower(folder=folder)
    while True:
        _say_followed(follow(follower, url=url, now_s=lambda: int(time.time())))
        if not every:
            return
        time.sleep(every)


def _say_followed(done: Followed) -> None:
    click.echo(
        f"{done.blocks} blocks taken; height {done.height}, {done.size} entries, root {done.root}; "
        f"agrees with the signed checkpoint of {done.checkpoint_size} entries"
    )
