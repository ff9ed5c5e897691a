"""`ogniwo ledger serve`: the ledger over HTTP."""

import click

from ogniwo.interfaces.cli.arguments import opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say
from ogniwo.services.ledger.serving import serving


@click.command(name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8030, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 takes a free one."
)
@click.pass_obj
@answers_refusals
def serve(runtime: Runtime, host: str, port: int) -> None:
    """Take transactions and answer queries over HTTP until stopped; prints its address.

    It is the ledger's one writer meanwhile: other commands on this ledger answer that it is locked.
    """
    from ogniwo.interfaces.ledger_http.server import listen  # noqa: PLC0415 -- only this command needs a web server
    from ogniwo.interfaces.ledger_http.server import serve as run  # noqa: PLC0415 -- the same

    workspace = opened(runtime)
    with serving(workspace) as served:
        listening = listen(host, port)
        address = f"[{host}]" if ":" in host else host
        run(served, listening=listening, started=lambda: click.echo(f"http://{address}:{listening.getsockname()[1]}"))
    say("stopped; everything that was answered is on the ledger")
