"""Who lives in the simulated world: members who send and repeat, witnesses who sign, a follower who replays."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ogniwo.chain.inbox import Answer
from ogniwo.chain.witness import Witness
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import Block, read_body, read_header
from ogniwo.core.ledger.checkpoints import Checkpoint, parse_checkpoint
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.merkle import consistent
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.witness import WitnessRefusalError, WitnessRequest


class ForkSeenError(Exception):
    """An actor was shown a log that is not the one it saw before."""


@dataclass
class Member:
    """Sends signed operations until they are answered; keeps answers and the newest checkpoint."""

    name: str
    open: dict[bytes, int] = field(default_factory=dict)
    answers: dict[bytes, Answer] = field(default_factory=dict)
    note: str = ""

    def hear(self, envelope: bytes, answer: Answer) -> None:
        """Take an answer; a second one must not contradict the first."""
        first = self.answers.setdefault(envelope, answer)
        self.open.pop(envelope, None)
        if first.on_ledger != answer.on_ledger:
            # Expiry and keys change with time: only what was recorded is promised for ever.
            assert first.height < 0, (first, answer)

    def see(self, note: str, proof: list[bytes]) -> None:
        """Take a newer checkpoint, if it continues the one seen before; raises ForkSeenError."""
        new = parse_checkpoint(note)
        if self.note:
            old = parse_checkpoint(self.note)
            if new.size < old.size:
                return
            if not consistent(old=old.size, new=new.size, proof=proof, old_root=old.root, new_root=new.root):
                raise ForkSeenError(f"{self.name} saw {old.size} entries that are not the first of {new.size}")
        self.note = note


class Notary:
    """A real witness with its memory in SQLite; what the node knows of it may be out of date."""

    def __init__(self, name: str, key: Any, logs: dict[str, Any]) -> None:
        self.name = name
        self._witness = Witness(Path(":memory:"), name=name, key=key, logs=logs)
        self.signed: list[Checkpoint] = []

    def sign(self, request: WitnessRequest, time_s: int) -> int:
        """Sign, and say how far; raises ForkSeenError when the log took something back, else gives its own size."""
        try:
            self._witness.add_checkpoint(request.encode(), time_s=time_s)
        except WitnessRefusalError as refusal:
            if refusal.status == 409 and refusal.body.strip().isdigit():
                return int(refusal.body)
            raise ForkSeenError(f"{self.name}: {refusal.status} {refusal.detail}") from refusal
        self.signed.append(parse_checkpoint(request.note))
        return self.signed[-1].size

    def close(self) -> None:
        """Give the memory back."""
        self._witness.close()


@dataclass
class Follower:
    """An auditor's node: replays every block with its signatures."""

    machine: Machine = field(default_factory=Machine)

    def take(self, blocks: list[Block]) -> None:
        """Follow blocks; those seen before must be the same. Raises ForkSeenError."""
        for block in blocks:
            if block.height <= self.machine.height:
                continue
            if block.height > self.machine.height + 1:
                return
            try:
                self.machine.replay(block)
            except (BlockMismatchError, Refusal) as refusal:
                raise ForkSeenError(f"block {block.height}: {refusal}") from refusal


class Will:
    """What members want to do next: honest and dishonest operations, from the seed."""

    def __init__(self, dice: random.Random, network: Any) -> None:
        self._dice, self._network = dice, network
        self.people = ["anna", "jan"]
        self._sent: list[tuple[str, Any]] = []
        self._days = 0
        self._holds: list[tuple[str, str, int]] = []
        self._kinds: tuple[Callable[[], tuple[str, bytes]], ...] = (
            *(self._pay,) * 8,
            *(self._hold, self._settle, self._settle, self._void),
            self._repeat_id,
            self._forge,
            self._issue,
            self._join,
            self._read,
            self._drain,
        )

    def next(self) -> tuple[str, bytes]:
        """Whose and which envelope."""
        return self._dice.choice(self._kinds)()

    def only_small_payments(self) -> None:
        """Want no more than payments of a grosz or so."""
        self._kinds = (lambda: self._pay(1),)

    def _path(self, name: str) -> str:
        return f"op/coop/{name}"

    def _pay(self, amount: int = 0) -> tuple[str, bytes]:
        giver, taker = self._dice.sample(self.people, 2)
        payload = self._network.pay(self._path(giver), self._path(taker), amount or self._dice.randrange(1, 40_000))
        self._sent.append((giver, payload))
        return giver, self._network.signed(payload, giver)

    def _hold(self) -> tuple[str, bytes]:
        giver, taker = self._dice.sample(("anna", "jan"), 2)
        payload = tx.Hold(
            **self._network.frame(account=self._path(giver)),
            amount=self._dice.randrange(1, 30_000),
            asset="PLN/2",
            giver=self._path(giver),
            taker=self._path(taker),
            until=self._network.now + self._dice.choice((5, 60, 3_000)),
        )
        envelope = self._network.signed(payload, giver)
        self._holds.append((tx_name(envelope), taker, payload.amount))
        return giver, envelope

    def _settle(self) -> tuple[str, bytes]:
        if not self._holds:
            return self._hold()
        name, taker, amount = self._dice.choice(self._holds)
        part = self._dice.choice((amount, amount // 2 or 1, amount + 1))
        payload = tx.Settle(
            **self._network.frame(account=self._path(taker)), amount=part, final=self._dice.random() < 0.5, hold=name
        )
        return taker, self._network.signed(payload, taker)

    def _void(self) -> tuple[str, bytes]:
        if not self._holds:
            return self._hold()
        name, taker, _ = self._dice.choice(self._holds)
        payload = tx.Void(**self._network.frame(account=self._path(taker)), hold=name)
        return taker, self._network.signed(payload, taker)

    def _drain(self) -> tuple[str, bytes]:
        return self._pay(60_000)

    def _repeat_id(self) -> tuple[str, bytes]:
        if not self._sent:
            return self._pay()
        giver, payload = self._dice.choice(self._sent)
        changed = {name: getattr(payload, name) for name in payload.__struct_fields__} | {"reason": "another"}
        return giver, self._network.signed(type(payload)(**changed), giver)

    def _forge(self) -> tuple[str, bytes]:
        giver, thief = self._dice.sample(self.people, 2)
        return thief, self._network.signed(self._network.pay(self._path(giver), self._path(thief), 1), thief)

    def _issue(self) -> tuple[str, bytes]:
        taker, amount = self._path(self._dice.choice(self.people)), self._dice.randrange(1, 5_000)
        lines = ("op/issuer", "PLN/2", -amount), (taker, "PLN/2", amount)
        return "op", self._network.signed(self._network.post(*lines), "op")

    def _join(self) -> tuple[str, bytes]:
        name = f"m{len(self.people)}"
        if len(self.people) > 6:
            return self._pay()
        self.people.append(name)
        payload = self._network.account(self._path(name), account="op/coop")
        return "coop", self._network.signed(payload, "coop")

    def _read(self) -> tuple[str, bytes]:
        self._days = min(self._days + self._dice.randrange(2), 27)
        record = self._network.record(day=f"2027-01-{self._days + 1:02d}")
        return "gateway", self._network.signed(self._network.mint(record), "gateway")


def names_of(blocks: list[Block]) -> dict[str, tuple[int, int, int, str]]:
    """Every recorded transaction: height, position, log index and outcome; none may stand twice."""
    found: dict[str, tuple[int, int, int, str]] = {}
    for block in blocks:
        header, records = read_header(block.header), read_body(block.body)
        for position, record in enumerate(records):
            name = tx_name(record.envelope)
            assert name not in found, f"{name} stands in the log twice"
            found[name] = block.height, position, header.log_size - len(records) + position, record.outcome
    return found


def holds_resolved_once(blocks: list[Block]) -> int:
    """Follow every hold by its accepted operations alone; gives how many ended, raises when one ended twice."""
    left: dict[str, int] = {}
    ended: set[str] = set()
    for block in blocks:
        for record in read_body(block.body):
            if record.outcome != ACCEPTED:
                continue
            signed = open_transaction(record.envelope)
            match signed.payload:
                case tx.Hold(amount=amount):
                    left[signed.transaction] = amount
                case tx.Settle(hold=name, amount=amount, final=final):
                    assert name not in ended, f"{name} was settled after its end"
                    left[name] -= amount
                    assert left[name] >= 0, f"{name} paid more than it held"
                    if final or not left[name]:
                        ended.add(name)
                case tx.Void(hold=name):
                    assert name not in ended, f"{name} ended twice"
                    ended.add(name)
    return len(ended)


def tx_name(envelope: bytes) -> str:
    """The name of a transaction."""
    return open_transaction(envelope).transaction
