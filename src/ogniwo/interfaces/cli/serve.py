"""`ogniwo serve`: the process that people talk to."""

import os

import click

from ogniwo.interfaces.cli.arguments import opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.pass_obj
@answers_refusals
def serve_command(runtime: Runtime, *, host: str, port: int) -> None:
    """Serve the console, the wallet and the API of a workspace until stopped.

    Behind a proxy with TLS set OGNIWO_ORIGIN to the public address, for example https://energia.example.

    \b
    Examples:
      ogniwo -w demo serve
      OGNIWO_ORIGIN=https://energia.example ogniwo -w coop serve --port 8040
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    import uvicorn  # noqa: PLC0415 -- only this command needs it
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 -- after the settings are chosen

    workspace = opened(runtime)
    say(f"{workspace.name}: {os.environ.get('OGNIWO_ORIGIN', f'http://{host}:{port}')}")
    uvicorn.run(
        get_asgi_application(),
        host=host,
        port=port,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=30,
        limit_concurrency=400,
    )
