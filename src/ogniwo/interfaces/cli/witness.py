"""`ogniwo witness`: the small service that a partner, distribution operator or auditor runs."""

import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from ogniwo.core.ledger.witness import WitnessRefusalError
from ogniwo.interfaces.cli.output import answers_refusals, say
from ogniwo.services.ledger.witnessing import create_witness, open_witness, watch_log, witness_public_key

BODY_BYTES_MAX = 65_536
REQUEST_SECONDS_MAX = 10

_FOLDER = click.option(
    "--folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the witness keeps its key and what it saw.",
)


@click.group(name="witness")
def witness_group() -> None:
    """Be a witness: sign other people's checkpoints, but never two that contradict each other.

    \b
    Examples:
      ogniwo witness create --folder w --name auditor.example
      ogniwo witness watch --folder w KEY      KEY is checkpoint_key of `ogniwo ledger show`
      ogniwo witness run --folder w --port 8031
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@witness_group.command(name="create")
@_FOLDER
@click.option("--name", required=True, help="The witness's public name, like a host name.")
@answers_refusals
def create(folder: Path, name: str) -> None:
    """Make a witness and print its public key, which others put into their witnesses.toml."""
    click.echo(create_witness(folder=folder, name=name))


@witness_group.command(name="watch")
@_FOLDER
@click.argument("key")
@answers_refusals
def watch(folder: Path, key: str) -> None:
    """Sign for one more log, named by its checkpoint key."""
    say(f"signing for {watch_log(folder=folder, key=key).name}; a running witness must be started again")


@witness_group.command(name="key")
@_FOLDER
@answers_refusals
def key(folder: Path) -> None:
    """Print the witness's public key."""
    click.echo(witness_public_key(folder=folder))


@witness_group.command(name="run")
@_FOLDER
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8031, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 takes a free one."
)
@answers_refusals
def run(folder: Path, host: str, port: int) -> None:
    """Serve C2SP tlog-witness (POST /add-checkpoint) until stopped."""
    with open_witness(folder=folder) as witness:

        class Handler(BaseHTTPRequestHandler):
            """One request: a checkpoint with its proof."""

            timeout = REQUEST_SECONDS_MAX

            def do_POST(self) -> None:
                """Sign, or say why not."""
                length = self.headers.get("Content-Length", "")
                if self.path != "/add-checkpoint":
                    self._answer(HTTPStatus.NOT_FOUND, "POST /add-checkpoint is all there is\n")
                elif not length.isdigit() or int(length) > BODY_BYTES_MAX:
                    self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request has a length of at most 64 KiB\n")
                else:
                    self._sign(self.rfile.read(int(length)))

            def _sign(self, body: bytes) -> None:
                try:
                    line = witness.add_checkpoint(body.decode(), time_s=int(time.time()))
                except UnicodeDecodeError:
                    self._answer(HTTPStatus.BAD_REQUEST, "the request is not UTF-8\n")
                except WitnessRefusalError as refusal:
                    say(f"refused: {refusal.detail}")
                    self._answer(HTTPStatus(refusal.status), refusal.body)
                else:
                    self._answer(HTTPStatus.OK, line)

            def _answer(self, status: HTTPStatus, text: str) -> None:
                data = text.encode()
                self.send_response(status)
                sized = status is HTTPStatus.CONFLICT and text.strip().isdigit()
                self.send_header("Content-Type", "text/x.tlog.size" if sized else "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is http.server's
                """Say only what was refused."""

        with ThreadingHTTPServer((host, port), Handler) as server:
            click.echo(f"http://{host}:{server.server_address[1]}")
            server.serve_forever()
