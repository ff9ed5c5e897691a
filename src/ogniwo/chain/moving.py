"""A ledger's blocks copied from its file into PostgreSQL, and both sides compared."""

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from ogniwo.chain.store import BadAddressError, BlockStore, DamagedStoreError
from ogniwo.chain.stores import DRIVER_MISSING
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import NO_BLOCK, Block, header_hash, read_header

if TYPE_CHECKING:
    from ogniwo.chain.store_filling import FillingStore


class TargetTakenError(Refusal):
    """A ledger is there already that this move may not replace; nothing was written to it."""

    code = "ledger.target_taken"


class CopyDiffersError(Refusal):
    """The copy of a ledger is not the same as what was copied; it is not used."""

    code = "ledger.copy_differs"


class Origin(NamedTuple):
    """Whose ledger is copied: its network, and the folder it comes from."""

    network: str
    folder: str


class Copied(NamedTuple):
    """How many blocks are the same on both sides, from genesis on; `head` is the hash (hex) of the last header."""

    network: str
    blocks: int
    head: str


def open_target(address: str) -> "FillingStore":
    """The place of a copy, under its writer's lock; makes nothing. Raises the refusals of BlockStore."""
    try:
        from ogniwo.chain.store_filling import FillingStore  # noqa: PLC0415 -- the driver is an optional part
    except ImportError as error:
        raise BadAddressError(detail=f"{DRIVER_MISSING}: {error}") from error
    return FillingStore(address)


def make_room(source: BlockStore, target: "FillingStore", *, origin: Origin) -> None:
    """Remove what an unfinished copy of the same origin left; nothing is lost, as the source has every block of it.

    Raises TargetTakenError for anything else that is there.
    """
    unfinished, last = target.origin(), target.last()
    if unfinished is None and last is None:
        return
    if unfinished is None:
        network = "" if last is None else _network(last)
        raise TargetTakenError(
            detail=f"{target.name} holds the ledger of {network}; name another one: postgresql://...#NAME"
        )
    if unfinished != origin:
        raise TargetTakenError(
            detail=f"{target.name} holds the unfinished copy of {unfinished.network} from {unfinished.folder}"
        )
    if last is not None and not is_within(target, source):
        raise TargetTakenError(
            detail=f"{target.name} was filled by a move of this ledger, but holds blocks that {source.name} does not: "
            "it has been in use since; if the file is an old copy, put the address into the settings file instead"
        )
    target.clear()


def is_within(part: BlockStore, whole: BlockStore) -> bool:
    """Whether all blocks of a ledger, byte for byte, are the first ones of another."""
    return all(ours is None or ours == theirs for ours, theirs in zip_longest(part.blocks(), whole.blocks()))


def compare(source: BlockStore, target: BlockStore) -> Copied:
    """Read both sides and compare number, bytes and header hash of every block, and that each names the one before.

    Raises CopyDiffersError, and DamagedStoreError where the source itself is not one chain from genesis on.
    """
    previous, number, network = NO_BLOCK, 0, ""
    for ours, theirs in zip_longest(source.blocks(), target.blocks()):
        if ours is None or theirs is None:
            raise CopyDiffersError(detail=f"block {number} is on one side only")
        if ours != theirs or header_hash(ours.header) != header_hash(theirs.header):
            raise CopyDiffersError(detail=f"block {number} differs after it was copied")
        previous, network = _follows(theirs, number, previous, network, source)
        number += 1
    counts = {source.count(), target.count()}
    if counts != {(number, 0)}:
        raise CopyDiffersError(detail=f"{number} blocks were compared, but the tables count {sorted(counts)}")
    return Copied(network, number, previous)


def _follows(block: Block, number: int, previous: str, network: str, source: BlockStore) -> tuple[str, str]:
    """The block's hash and network, when it is the next one of the chain."""
    try:
        header = read_header(block.header)
    except Refusal as refusal:
        raise DamagedStoreError(detail=f"{source.name}: the header of block {number}: {refusal.detail}") from refusal
    expected = (number, number, previous, network or header.network)
    if (block.height, header.height, header.previous, header.network) != expected:
        raise DamagedStoreError(
            detail=f"{source.name}: block {number} does not follow from the one before; see `ogniwo ledger verify`"
        )
    return header_hash(block.header), header.network


def _network(block: Block) -> str:
    try:
        return read_header(block.header).network
    except Refusal:
        return "a network that cannot be read"
