"""One run of the simulated world: the real engine over a failing disk, among members, witnesses and a follower.

What is checked after every step: each asset sums to zero, no holder owes, the log only grows, and what a member was
told stands in the log. At the end the faults stop, everybody gets his answers, and a replay with all signatures, the
tables and the follower come to the same state. On disks that lie, what was lost is noticed by whoever kept proof.
"""

import hashlib
import random
import tempfile
from pathlib import Path
from typing import Any

from actors import Follower, ForkSeenError, Member, Notary, Will, holds_resolved_once, names_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from parts import Clock, Disk, Faults, Wire

from ogniwo.chain import embedded, projection
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.inbox import Answer, BusyError, StoppedError
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import checkpoint_of
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.stores import open_store, snapshot_folder
from ogniwo.core.ledger.checkpoints import parse_checkpoint, parse_verifier_key
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.witness import WitnessRequest


def _opened(address: Any, *, write: bool) -> Any:
    """A simulated disk is its own store; everything else opens as in the product."""
    return address if isinstance(address, Disk) else open_store(address, write=write)


def _beside(address: Any) -> Any:
    """A simulated disk has no folder beside it; a world that keeps snapshots names one."""
    return None if isinstance(address, Disk) else snapshot_folder(address)


for _module in (embedded, projection):
    _module.open_store = _opened  # type: ignore[attr-defined]
embedded.snapshot_folder = _beside  # type: ignore[attr-defined]

STEPS = 50
PROFILES = ("calm", "failing", "failing", "lying", "rotting")


class World:
    """The whole of one seed; `run` lives it and gives what was found, or raises AssertionError."""

    def __init__(self, seed: int, network: Any, founding: list[bytes]) -> None:
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 -- no secret
        self.profile = self.dice.choice(PROFILES)
        self.faults = Faults()
        self.clock = Clock(self.dice, self.faults, network.now)
        self.disk = Disk(self.dice, self.faults)
        self.wire = Wire(self.dice, self.faults)
        self.network, self.will = network, Will(self.dice, network)
        self.members = {name: Member(name) for name in ("op", "coop", "gateway")}
        self.inbox: list[tuple[str, bytes]] = []
        self.roots: dict[int, bytes] = {}
        self.down_until = 0
        self.detected: list[str] = []
        self.crashes = self.holds_ended = 0
        # One world in eight keeps snapshots, in real files: they cost far more than all the rest of a world.
        self._folder = tempfile.TemporaryDirectory(prefix="ogniwo-world-") if seed % 8 == 0 else None
        self.snapshots = Path(self._folder.name) if self._folder else None
        self.ledger: EmbeddedLedger | None = self._open()
        answers = self.ledger.submit(founding) if self.ledger else []
        assert {answer.code for answer in answers} == {"accepted"}
        vars(self.faults).update(vars(self._faults()))
        key = parse_verifier_key(network.genesis().checkpoint_key)
        self.notaries = [self._notary(name, key) for name in ("auditor.example", "dso.example")]
        self.known = {notary.name: 0 for notary in self.notaries}
        self.follower = Follower()

    def _faults(self) -> Faults:
        low = self.dice.randrange
        match self.profile:
            case "calm":
                return Faults(drop=2, duplicate=5)
            case "failing":
                return Faults(low(8), low(8), 0, low(8), low(30), low(30), low(10), low(20))
            case "lying":
                return Faults(0, 0, 30 + low(70), 4 + low(8), low(20), low(20), low(5), low(10))
            case _:
                return Faults(0, 0, 0, 3, low(20), low(20), low(5), 0)

    def _notary(self, name: str, key: Any) -> Notary:
        secret = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        return Notary(name, secret, {self.network.name: key})

    def run(self) -> str:
        """Live all steps, then make peace; gives how it ended: "whole", or what was detected and by whom."""
        try:
            for _ in range(STEPS):
                self._step()
            if not self.detected:
                self._peace()
        except ForkSeenError as seen:
            self._damage_is_possible(str(seen))
        finally:
            for notary in self.notaries:
                notary.close()
            if self.ledger is not None:
                self.ledger.close()
            if self._folder is not None:
                self._folder.cleanup()
        return self.detected[0] if self.detected else "whole"

    def _damage_is_possible(self, what: str) -> None:
        assert self.profile in {"lying", "rotting"}, f"seed {self.seed}, {self.profile}: {what}"
        assert self.disk.lost or self.profile == "rotting", f"seed {self.seed}: {what}, but nothing was lost"
        self.detected.append(what)

    def _step(self) -> None:
        if self.detected:
            return
        self.clock.advance()
        self.network.now = max(self.network.now, self.clock.now)
        if self.ledger is None and self.wire.step >= self.down_until:
            self.ledger = self._open()
        for _ in range(self.dice.randrange(4)):
            name, envelope = self.will.next()
            self.members.setdefault(name, Member(name)).open[envelope] = 0
        for member in self.members.values():
            for envelope, due in list(member.open.items()):
                if due <= self.wire.step:
                    member.open[envelope] = self.wire.step + 8
                    self.wire.send("node", lambda n=member.name, e=envelope: self.inbox.append((n, e)))
        self.wire.advance()
        self._serve()
        self._tell()
        if self.ledger is not None:
            self._check()
            if self.dice.randrange(100) < self.faults.crash:
                self._power_off()

    def _open(self) -> EmbeddedLedger | None:
        try:
            ledger = EmbeddedLedger(
                self.disk, clock=self.clock, workers=0, snapshots=self.snapshots, snapshot_entries=25
            )
        except DamagedStoreError as refusal:
            self._damage_is_possible(f"opening: {refusal.detail}")
            return None
        return ledger

    def _stop(self) -> None:
        if self.ledger is not None:
            self.ledger.close()
            self.ledger = None
            self.down_until = self.wire.step + self.dice.randrange(1, 5)

    def _power_off(self) -> None:
        self.crashes += 1
        self._stop()
        self.inbox.clear()
        self.disk.power_off()
        if self.profile == "rotting" and self.dice.randrange(2):
            self.disk.rot()

    def _serve(self) -> None:
        waiting, self.inbox = self.inbox, []
        if self.ledger is None or not waiting:
            return
        try:
            answers = self.ledger.submit([envelope for _, envelope in waiting])
        except (StoppedError, BusyError):
            self._stop()
            return
        for (name, envelope), answer in zip(waiting, answers, strict=True):
            self.wire.send(name, lambda n=name, e=envelope, a=answer: self.members[n].hear(e, a))

    def _tell(self) -> None:
        """Hand a checkpoint to a member and to a witness, blocks to the follower."""
        if self.ledger is None or self.ledger.head().height < 0:
            return
        note, log = checkpoint_of(self.ledger, key=self.network.checkpoint_key), self.ledger.log
        size, now = parse_checkpoint(note).size, self.clock.now
        member = self.members[self.dice.choice(sorted(self.members))]
        old = parse_checkpoint(member.note).size if member.note else 0
        if 0 < old <= size:
            proof = log.consistency(old, size)
            self.wire.send(member.name, lambda: self._seen(member, old, note, proof))
        elif not old:
            self.wire.send(member.name, lambda: self._seen(member, 0, note, []))
        else:
            self._damage_is_possible(f"{member.name} saw {old} entries, the log has {size}")
        notary = self.dice.choice(self.notaries)
        known = self.known[notary.name]
        if known <= size:
            request = WitnessRequest(known, tuple(log.consistency(known, size) if known else ()), note)
            self.wire.send(notary.name, lambda: self._signed(notary, request, now))
        else:
            self._damage_is_possible(f"{notary.name} signed {known} entries, the log has {size}")
        blocks = self.ledger.read(self.follower.machine.height + 1, limit=5)
        self.wire.send("follower", lambda: self.follower.take(blocks))

    def _seen(self, member: Member, old: int, note: str, proof: list[bytes]) -> None:
        if (parse_checkpoint(member.note).size if member.note else 0) == old:
            member.see(note, proof)

    def _signed(self, notary: Notary, request: WitnessRequest, now: int) -> None:
        size = notary.sign(request, now)
        self.wire.send("node", lambda: self.known.update({notary.name: size}))

    def _check(self) -> None:
        assert self.ledger is not None
        with self.ledger.reading() as state:
            assert not any(state.sums.values()), f"seed {self.seed}: {state.sums}"
            for (account, name), amount in state.balances.items():
                asset = state.assets[name]
                assert amount >= 0 or account == asset.issuer or asset.kind == "claim", (self.seed, account, name)
        log, size = self.ledger.log, self.ledger.head().log_size
        if not self.disk.lost:
            for old, root in list(self.roots.items())[-3:]:
                assert old <= size, f"seed {self.seed}: the log has {size} entries, it had {old}"
                assert log.root(old) == root, f"seed {self.seed}: the log was rewritten"
        self.roots[size] = log.root(size)

    def _peace(self) -> None:
        """No more faults: everybody is answered, and all come to the same state."""
        calm = Faults()
        vars(self.faults).update(vars(calm))
        self.wire.cut_until.clear()
        self.will.next = lambda: (
            "anna",
            self.network.signed(self.network.pay("op/coop/anna", "op/coop/jan", 1), "anna"),
        )
        for _ in range(40):
            self._step()
            if self.detected:
                return
        assert self.ledger is not None
        for member in self.members.values():
            late = [envelope for envelope, due in member.open.items() if due <= self.wire.step - 20]
            assert not late, f"seed {self.seed}: {member.name} has no answer"
        self._agree(list(self.disk.blocks()))

    def _agree(self, blocks: Any) -> None:
        assert self.ledger is not None
        machine = Machine()
        try:
            for block in blocks:
                machine.replay(block)
        except BlockMismatchError as refusal:
            # A ledger that opened from a snapshot does not look at the blocks before it; whoever audits does.
            self._damage_is_possible(f"audit: {refusal.part}")
            return
        names = names_of(blocks)
        self.holds_ended = holds_resolved_once(blocks)
        for member in self.members.values():
            for answer in member.answers.values():
                self._stands(answer, names)
        if self.detected:
            return
        with self.ledger.reading() as state:
            assert machine.state.root() == state.root(), f"seed {self.seed}: a replay gives another state"
            balances = {place: amount for place, amount in state.balances.items() if amount}
        self.follower.take(blocks)
        assert self.follower.machine.previous == machine.previous
        with Projection(ledger=self.disk, path=Path(":memory:")) as projection:
            projection.catch_up()
            told = {place: amount for place, amount in projection.balances().items() if amount}
        assert told == balances, f"seed {self.seed}: the tables differ from the state"

    def _stands(self, answer: Answer, names: dict[str, tuple[int, int, int, str]]) -> None:
        if answer.height < 0 and not answer.on_ledger:
            return
        place = names.get(answer.original or answer.transaction)
        if place is None and self.disk.lost:
            self._damage_is_possible(f"{answer.transaction} was acknowledged and is gone")
            return
        assert place is not None, f"seed {self.seed}: {answer.transaction} was acknowledged and is not in the log"
        if answer.height >= 0:
            assert place == (answer.height, answer.position, answer.log_index, answer.code), (self.seed, answer, place)
