"""Open the workspace's ledger: its keys, its names for organisations, members and points, its engine."""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.keystore import KeyStore
from ogniwo.chain.projection import Projection
from ogniwo.chain.store import LockedError
from ogniwo.chain.stores import store_exists
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.operations.frame import Frame
from ogniwo.core.ledger.signing import sign
from ogniwo.core.ledger.transactions import Payload
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.workspace.model import Workspace

OPERATOR_KEY = "operator"
GATEWAY_KEY = "gateway"
READING_KEY = "gateway-reading"
CHECKPOINT_KEY = "checkpoint"
LIFETIME_S = 3_600
_OPAQUE_DIGITS = 12


class LedgerRefusedError(Refusal):
    """The ledger refused a transaction of the product itself."""

    code = "ledger.refused"


class NoLedgerError(Refusal):
    """The workspace has no ledger yet."""

    code = "ledger.not_found"


def key_store(workspace: Workspace) -> KeyStore:
    """The workspace's private keys."""
    return KeyStore(workspace.keys)


@contextmanager
def open_ledger(workspace: Workspace) -> Iterator[EmbeddedLedger]:
    """The embedded engine with the workspace's clock; raises LockedError when the ledger moves meanwhile."""
    address = workspace.ledger_address
    with EmbeddedLedger(
        address,
        clock=lambda: int(workspace.now().timestamp()),
        snapshots=workspace.ledger_snapshots,
    ) as ledger:
        # A move holds the writer's lock until the settings name the new place: with the lock it is certain.
        if workspace.ledger_address != address:
            raise LockedError(detail="the ledger was moved just now; give the command again")
        yield ledger


def has_ledger(workspace: Workspace) -> bool:
    """Whether anything was posted yet; raises StoreUnreachableError when the ledger's database does not answer."""
    return store_exists(workspace.ledger_address)


@contextmanager
def open_projection(workspace: Workspace) -> Iterator[Projection]:
    """The tables derived from the blocks, brought up to date."""
    projection_file = workspace.root / "ledger-projection.sqlite3"
    with Projection(ledger=workspace.ledger_address, path=projection_file) as projection:
        projection.catch_up()
        yield projection


def organisation_path(organisation: Organisation) -> str:
    """An organisation's account: its path in the tree."""
    return organisation.path.strip("/")


def member_path(member: Member) -> str:
    """A member's account: opaque, so that the ledger names nobody."""
    return f"{organisation_path(member.organisation)}/m-{_opaque('member', member.number)}"


def point_path(point: MeteringPoint) -> str:
    """A metering point's account: opaque, so that the ledger shows no point code."""
    return f"{organisation_path(point.organisation)}/p-{_opaque('point', point.code)}"


def names_of_accounts(members: Iterable[tuple[str, str, str]], points: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What stands behind accounts: numbers and names of members, codes of points; the secrets are read once.

    Members are (path of the organisation, number, name), points (path of the organisation, code).
    """
    of_members, of_points = (_secret("path_secret", kind) for kind in ("member", "point"))
    found = {f"{path.strip('/')}/m-{_digits(of_members, number)}": f"{number} {name}" for path, number, name in members}
    found |= {f"{path.strip('/')}/p-{_digits(of_points, code)}": code for path, code in points}
    return found


def point_secret(point: MeteringPoint) -> bytes:
    """The secret that the salts of a point's intervals derive from; raises ErasedError once it was erased."""
    secret = _secret("point_secret", point.code)
    if not secret:
        raise ErasedError(detail=f"the intervals of {point.code} can no longer be opened: their salts were erased")
    return secret


def erased_points() -> frozenset[str]:
    """The codes of the points whose intervals were erased."""
    return frozenset(Commitment.objects.filter(kind="point_secret", salt="").values_list("natural_id", flat=True))


def day_secret(secret: bytes, *, channel: str, day: str) -> bytes:
    """The secret of one day of one channel, derived from the point's."""
    return hmac.new(secret, f"{channel}\0{day}".encode(), sha256).digest()


def _opaque(kind: str, name: str) -> str:
    return _digits(_secret("path_secret", kind), name)


def _digits(secret: bytes, name: str) -> str:
    return hmac.digest(secret, name.encode(), "sha256").hex()[:_OPAQUE_DIGITS]


def _secret(kind: str, name: str) -> bytes:
    row, _ = Commitment.objects.get_or_create(
        kind=kind, natural_id=name, defaults={"salt": secrets.token_hex(32), "commitment": "", "transaction_id": ""}
    )
    return bytes.fromhex(row.salt)


class ErasedError(Refusal):
    """What is asked for was erased: payload and salt are gone, and only the proof that it existed is left."""

    code = "ledger.erased"


def frame(workspace: Workspace, *, account: str, reason: str = "", references: tuple[str, ...] = ()) -> Frame:
    """The fields every payload carries: a fresh id, an expiry an hour ahead, the network."""
    return {
        "account": account,
        "expires": int(workspace.now().timestamp()) + LIFETIME_S,
        "id": secrets.token_hex(16),
        "network": workspace.network,
        "reason": reason,
        "references": references,
    }


def signed(payload: Payload, *keys: ec.EllipticCurvePrivateKey) -> bytes:
    """The canonical payload in a JWS envelope."""
    return sign(encode(payload), keys=list(keys))


def submit(ledger: EmbeddedLedger, envelopes: list[bytes]) -> list[str]:
    """Put envelopes on the ledger in groups and give their transaction ids; refuses when any was not taken."""
    transactions: list[str] = []
    for start in range(0, len(envelopes), 1_000):
        for answer in ledger.submit(envelopes[start : start + 1_000]):
            if not answer.on_ledger:
                raise LedgerRefusedError(detail=f"{answer.code}: {answer.detail}")
            transactions.append(answer.original or answer.transaction)
    return transactions
