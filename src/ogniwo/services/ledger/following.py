"""An auditor's node: a folder with an own copy of a ledger that somebody else serves, and the auditor's own key.

Every block is replayed with its signatures before it is kept, every signed checkpoint is compared with the copy, and a
ledger that shows another history than before is refused by name, with both signed checkpoints kept as evidence.
"""

import secrets
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import msgspec

from ogniwo.chain.copying import ForkError, LedgerCopy
from ogniwo.chain.keystore import KeyStore
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import Block
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import parse_checkpoint, parse_verifier_key
from ogniwo.core.ledger.signed_queries import SignedQuery, sign_query
from ogniwo.core.ledger.signing import public_key_of, sign
from ogniwo.core.ledger.transactions import RegisterKey
from ogniwo.gateways.exchange import Reply, exchange
from ogniwo.services.workspace.changing import keep_whole

SETTINGS_FILE = "copy.toml"
REQUEST_FILE = "request.json"
_KEY = "reader"
_QUERY_S = 120
_REQUEST_LIFETIME_S = 7 * 86_400
_ANSWER_BYTES_MAX = 16_000_000
_HEADER = "Ogniwo-Query"


class NoFollowerError(Refusal):
    """The folder holds no auditor's node yet."""

    code = "follow.not_found"


class FollowerExistsError(Refusal):
    """The folder holds an auditor's node of another ledger or account."""

    code = "follow.exists"


class FollowRefusedError(Refusal):
    """The served ledger does not answer as it should: no right to read, or something else than blocks."""

    code = "follow.refused"


class RolledBackError(Refusal):
    """The served ledger is shorter than a checkpoint that it signed before: its end is gone, or it is an old copy."""

    code = "follow.rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Whose ledger is followed, and as whom. `checkpoint_key` came from somewhere else than that ledger."""

    folder: Path
    account: str
    network: str
    checkpoint_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one round brought: blocks taken, where the copy stands, and the size of the checkpoint it agrees with."""

    blocks: int
    height: int
    size: int
    root: str
    checkpoint_size: int


def create_follower(*, folder: Path, account: str, checkpoint_key: str, now_s: int) -> Path:
    """Make a node's key and the request that the operator admits it by; gives the request's file. Safe to repeat."""
    network = parse_verifier_key(checkpoint_key).name
    settings = folder / SETTINGS_FILE
    wanted = Follower(folder=folder, account=account, network=network, checkpoint_key=checkpoint_key)
    if settings.exists() and open_follower(folder=folder) != wanted:
        raise FollowerExistsError(detail=f"{folder} follows another ledger or as another account")
    store = KeyStore(folder / "keys")
    if _KEY not in store.names():
        store.create(_KEY)
    key = store.signing_key(_KEY)
    payload = RegisterKey(
        account=account.partition("/")[0],
        device="auditor",
        expires=now_s + _REQUEST_LIFETIME_S,
        id=secrets.token_hex(16),
        key=public_key_of(key),
        network=network,
        purpose="transaction",
        reason="auditor",
        references=(),
        subject=account,
        valid_from=0,
    )
    keep_whole(folder / REQUEST_FILE, sign(encode(payload), keys=[key]))
    lines = (f'account = "{account}"', f'network = "{network}"', f'checkpoint_key = "{checkpoint_key}"')
    keep_whole(settings, ("\n".join(lines) + "\n").encode())
    return folder / REQUEST_FILE


def open_follower(*, folder: Path) -> Follower:
    """The node of a folder."""
    settings = folder / SETTINGS_FILE
    if not settings.is_file():
        raise NoFollowerError(detail=f"{folder} holds no node; make one with `ogniwo ledger follow --create`")
    table = tomllib.loads(settings.read_text(encoding="utf-8"))
    return Follower(
        folder=folder, account=table["account"], network=table["network"], checkpoint_key=table["checkpoint_key"]
    )


def follow(
    follower: Follower, *, url: str, now_s: Callable[[], int], tell: Callable[[int], None] = lambda _height: None
) -> Followed:
    """Take every block that the ledger at `url` has more than the copy, then compare its signed checkpoint.

    Resumes where it stopped. Raises ForkError, RolledBackError, BadBlockError, FollowRefusedError or UnreachableError;
    what was taken before stays, and nothing half of a block is ever kept.
    """
    with LedgerCopy(follower.folder / "ledger.sqlite3", checkpoint_key=follower.checkpoint_key) as copy:
        before = copy.height
        note = _checkpoint(url)
        try:
            seen = copy.compare(note)
            _demand_not_rolled_back(follower, note)
            while copy.size < seen.size:
                blocks = _blocks(follower, url, from_height=copy.height + 1, now_s=now_s())
                if not blocks:
                    detail = f"{url} signs for {seen.size} entries and gives blocks for {copy.size}"
                    raise FollowRefusedError(detail=detail)
                for block in blocks:
                    copy.take(block)
                tell(copy.height)
            copy.compare(note)
        except ForkError as fork:
            evidence = _keep_evidence(follower, note)
            raise ForkError(detail=f"{fork.detail}; kept as evidence: {evidence}") from fork
        size = parse_checkpoint(note).size
        keep_whole(_kept(follower) / f"{size:010d}.txt", note.encode())
        return Followed(
            blocks=copy.height - before, height=copy.height, size=copy.size, root=copy.root, checkpoint_size=size
        )


def _kept(follower: Follower) -> Path:
    return follower.folder / "checkpoints"


def _demand_not_rolled_back(follower: Follower, note: str) -> None:
    kept = sorted(_kept(follower).glob("*.txt"))
    if kept and parse_checkpoint(note).size < int(kept[-1].stem):
        _keep_evidence(follower, note)
        raise RolledBackError(
            detail=f"it now signs for {parse_checkpoint(note).size} entries, before it signed for {int(kept[-1].stem)}"
        )


def _keep_evidence(follower: Follower, note: str) -> Path:
    """Keep the note that contradicts the copy, beside the last one that agreed."""
    folder = follower.folder / "evidence"
    kept = sorted(_kept(follower).glob("*.txt"))
    if kept:
        keep_whole(folder / f"agreed-{kept[-1].name}", kept[-1].read_bytes())
    path = folder / f"contradicts-{parse_checkpoint(note).size:010d}.txt"
    keep_whole(path, note.encode())
    return path


def _checkpoint(url: str) -> str:
    reply = exchange("GET", f"{url.rstrip('/')}/v1/checkpoint", bytes_max=_ANSWER_BYTES_MAX)
    if reply.status != HTTPStatus.OK:
        raise _refused(url, reply)
    return reply.body.decode("utf-8", errors="replace")


def _blocks(follower: Follower, url: str, *, from_height: int, now_s: int) -> list[Block]:
    path = f"/v1/blocks?from={from_height}&limit=100"
    query = SignedQuery(
        account=follower.account,
        expires=now_s + _QUERY_S,
        issued=now_s,
        network=follower.network,
        nonce=secrets.token_hex(16),
        path=path,
        reason="audit",
    )
    signed = sign_query(query, KeyStore(follower.folder / "keys").signing_key(_KEY))
    reply = exchange("GET", f"{url.rstrip('/')}{path}", headers={_HEADER: signed}, bytes_max=_ANSWER_BYTES_MAX)
    if reply.status != HTTPStatus.OK:
        raise _refused(url, reply)
    try:
        return msgspec.msgpack.decode(reply.body, type=list[Block])
    except msgspec.DecodeError as error:
        raise FollowRefusedError(detail=f"{url} gives no blocks: {error}") from error


def _refused(url: str, reply: Reply) -> FollowRefusedError:
    try:
        said = msgspec.json.decode(reply.body)
        detail = f"{said['detail']} [{said['code']}]"
    except (msgspec.DecodeError, KeyError, TypeError):
        detail = f"status {reply.status}"
    return FollowRefusedError(detail=f"{url}: {detail}")
