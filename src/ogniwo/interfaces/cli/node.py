"""`ogniwo node`: a node of the network that several organisations run together."""

import sys
from pathlib import Path

import click

from ogniwo.interfaces.cli.output import DONE_WITH_FINDINGS, answers_refusals, say, show_json, show_table
from ogniwo.services.ledger.founders import (
    approve_proposal,
    enrol_organisation,
    open_proposals,
    propose_validator,
    write_founding,
)
from ogniwo.services.ledger.nodes import (
    COMMIT_MS,
    PROPOSE_MS,
    Founded,
    NodeStatus,
    admit_peer,
    create_node,
    found_network,
    install_node_program,
    join_network,
    node_card,
    node_status,
    start_node,
    take_snapshot,
)

_FOLDER = click.option(
    "--folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the node keeps everything."
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PORT = click.IntRange(1, 65_535)


@click.group(name="node")
def node_group() -> None:
    """Run a node of a ledger that several organisations share (CometBFT), docs/network.md.

    \b
    Examples:
      ogniwo node install
      ogniwo node init --folder n --organisation coop --network example.net/ledger --address coop.example:26656
      ogniwo node founding --folder n *.card.json > founding.jsonl
      ogniwo node found --folder n --founding founding.jsonl *.card.json
      ogniwo node start --folder n
      ogniwo node status --folder n
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@node_group.command(name="install")
@answers_refusals
def install() -> None:
    """Build CometBFT with the Go tool unless it is there, and print its place."""
    click.echo(install_node_program())


@node_group.command(name="init")
@_FOLDER
@click.option("--organisation", required=True, help="Your organisation's short name, like coop-north.")
@click.option("--network", required=True, help="The network's name, at most 50 characters.")
@click.option("--account", default="op", show_default=True, help="The account of the ledger's operator.")
@click.option("--address", required=True, help="HOST:PORT at which the other nodes reach this one.")
@click.option("--listen", default="0.0.0.0", show_default=True, help="Interface for the other nodes.")  # noqa: S104 -- they connect from outside
@click.option("--p2p-port", default=26_656, show_default=True, type=_PORT, help="Port for the other nodes.")
@click.option("--rpc-port", default=26_657, show_default=True, type=_PORT, help="Port on loopback for this machine.")
@answers_refusals
def init(
    folder: Path, organisation: str, network: str, account: str, address: str, listen: str, p2p_port: int, rpc_port: int
) -> None:
    """Make this node's keys and print the card to give to the other founders."""
    click.echo(
        create_node(
            folder=folder,
            organisation=organisation,
            network=network,
            account=account,
            address=address,
            listen=listen,
            p2p_port=p2p_port,
            rpc_port=rpc_port,
        )
    )


@node_group.command(name="card")
@_FOLDER
@answers_refusals
def card(folder: Path) -> None:
    """Print the card again."""
    click.echo(node_card(folder=folder))


@node_group.command(name="founding")
@_FOLDER
@click.argument("cards", nargs=-1, required=True, type=_FILE)
@answers_refusals
def founding(folder: Path, cards: tuple[Path, ...]) -> None:
    """Make the operator's and the checkpoints' keys and print the founding transactions for CARDS; one founder does."""
    click.echo(write_founding(folder=folder, cards=cards), nl=False)


@node_group.command(name="found")
@_FOLDER
@click.option("--founding", "founding_file", required=True, type=_FILE, help="File of `ogniwo node founding`.")
@click.option("--commit-ms", default=COMMIT_MS, show_default=True, type=int, help="Pause after a block.")
@click.option("--propose-ms", default=PROPOSE_MS, show_default=True, type=int, help="Patience with a proposer.")
@click.argument("cards", nargs=-1, required=True, type=_FILE)
@answers_refusals
def found(folder: Path, founding_file: Path, commit_ms: int, propose_ms: int, cards: tuple[Path, ...]) -> None:
    """Compute the genesis from all CARDS. Every founder does this and reads the hash to the others."""
    _say_founded(
        found_network(folder=folder, cards=cards, founding=founding_file, commit_ms=commit_ms, propose_ms=propose_ms)
    )


@node_group.command(name="join")
@_FOLDER
@click.option("--genesis", required=True, type=_FILE, help="The genesis file of a founder.")
@click.option("--genesis-hash", required=True, help="Its hash, told by a founder another way.")
@click.option("--peer", "peers", multiple=True, help="NODE@HOST:PORT of a node that joined later; may be repeated.")
@click.option("--sync-from", "sync_servers", multiple=True, help="HOST:PORT of a node's RPC; twice or more.")
@click.option("--trust", default="", help="HEIGHT:HASH of `ogniwo node status`, told by a founder.")
@answers_refusals
def join(
    folder: Path,
    genesis: Path,
    genesis_hash: str,
    peers: tuple[str, ...],
    sync_servers: tuple[str, ...],
    trust: str,
) -> None:
    """Make a new node part of a network that exists; it follows, and votes once it is made a validator.

    It executes all blocks, or with --sync-from and --trust starts from a snapshot of another node.
    """
    _say_founded(
        join_network(
            folder=folder,
            genesis=genesis,
            expected_hash=genesis_hash,
            peers=peers,
            sync_servers=sync_servers,
            trust=trust,
        )
    )


@node_group.command(name="snapshot")
@_FOLDER
@answers_refusals
def snapshot(folder: Path) -> None:
    """Take a snapshot of a stopped node for others to start from; a running node takes them by itself."""
    taken = take_snapshot(folder=folder)
    click.echo(f"ledger block {taken.ledger_height}, {taken.bytes} bytes, header {taken.ledger_hash}")


def _say_founded(founded: Founded) -> None:
    click.echo(founded.genesis_hash)
    say(f"network {founded.network}, founded by {', '.join(founded.organisations)}")
    say("Compare this hash with every founder by voice before you start.")


@node_group.command(name="admit")
@_FOLDER
@click.argument("card_file", type=_FILE, metavar="CARD")
@answers_refusals
def admit(folder: Path, card_file: Path) -> None:
    """Let the node of a CARD connect to this one; it takes effect at once."""
    admitted = admit_peer(folder=folder, card=card_file)
    say(f"{admitted.organisation} may connect; node {admitted.node}")


@node_group.command(name="enrol")
@_FOLDER
@click.argument("card_file", type=_FILE, metavar="CARD")
@answers_refusals
def enrol(folder: Path, card_file: Path) -> None:
    """Open an account for the organisation of a CARD that comes later; at the node with the operator's key."""
    click.echo(enrol_organisation(folder=folder, card=card_file))


@node_group.command(name="propose")
@_FOLDER
@click.option("--power", required=True, type=click.IntRange(0, 1_000), help="Voting power; 0 takes it out.")
@click.argument("card_file", type=_FILE, metavar="CARD")
@answers_refusals
def propose(folder: Path, power: int, card_file: Path) -> None:
    """Propose the validator of a CARD, or another power for it, and print the proposal's name."""
    click.echo(propose_validator(folder=folder, card=card_file, power=power))


@node_group.command(name="proposals")
@_FOLDER
@answers_refusals
def proposals(folder: Path) -> None:
    """List the changes of validators that wait for voices."""
    show_table(
        headers=("proposal", "by", "validator of", "power", "approved by"),
        rows=[
            (one.name, one.proposer, one.answers_for_it, str(one.power), ", ".join(one.approved_by))
            for one in open_proposals(folder=folder)
        ],
        right=frozenset({3}),
    )


@node_group.command(name="approve")
@_FOLDER
@click.argument("proposal")
@answers_refusals
def approve(folder: Path, proposal: str) -> None:
    """Add your organisation's voice to a PROPOSAL; the one that completes the quorum carries it out."""
    approve_proposal(folder=folder, proposal=proposal)
    say("your voice is on the ledger")


@node_group.command(name="start")
@_FOLDER
@answers_refusals
def start(folder: Path) -> None:
    """Run the node until it is stopped."""
    say(f"node of {folder} starts; its CometBFT writes to {folder / 'comet.log'}")
    start_node(folder=folder)


@node_group.command(name="status")
@_FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@answers_refusals
def status(folder: Path, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """Show height, validators, peers and misbehaviour; ends with 3 when something is wrong or somebody misbehaved."""
    found = node_status(folder=folder)
    if as_json:
        show_json(_document(found))
    else:
        _show(found)
    if found.problem or found.offences or any(one.silent for one in found.validators):
        sys.exit(DONE_WITH_FINDINGS)


def _document(found: NodeStatus) -> dict[str, object]:
    plain = {name: getattr(found, name) for name in found.__slots__}
    return plain | {
        "validators": [{name: getattr(one, name) for name in one.__slots__} for one in found.validators],
        "offences": [{"organisation": one.organisation} | one.offence._asdict() for one in found.offences],
    }


def _show(found: NodeStatus) -> None:
    for name in ("network", "height", "ledger_height", "ledger_hash", "state_root", "trust"):
        click.echo(f"{name:14} {getattr(found, name)}")
    click.echo(f"{'peers':14} {', '.join(found.peers) or 'none'}")
    click.echo(f"{'problem':14} {found.problem or 'none'}")
    if found.validators:
        click.echo("")
        show_table(
            headers=("organisation", "validator", "power", "last signed"),
            rows=[(one.organisation or "?", one.address, str(one.power), str(one.signed)) for one in found.validators],
            right=frozenset({2, 3}),
        )
    for silent in (one for one in found.validators if one.silent):
        click.echo(f"SILENT {silent.organisation or silent.address} has signed nothing since height {silent.signed}")
    for one in found.offences:
        offence = one.offence
        proof = "proven by evidence in a block" if offence.proven else "seen by this node"
        click.echo(
            f"MISBEHAVIOUR {offence.kind} by {one.organisation or 'a validator without a card'} ({offence.address})"
            f" at height {offence.height}, {proof}{': ' if offence.detail else ''}{offence.detail}"
        )
