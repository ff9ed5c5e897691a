"""A group of members buys energy on the command line: each step on the ledger, each trick refused or seen."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.ledger.receipts import check_receipt
from ogniwo.core.ledger.signing import sign
from ogniwo.interfaces.cli import purchase as commands
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.contracts.econtract_parties import contract_party, register_party_key
from ogniwo.services.contracts.econtracts import contracts
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.ledger.erasing import erase
from ogniwo.services.ledger.proving import checkpoint_verifier, prove_document
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.workspace.queries import operator_subject

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
CODE = "grupa-2027"
ANNA, JAN, OLA = (point.member_number for point in POINTS[:3])
SUPPLIER = "SE-021"
OPENING = (
    *("--from", "2027-01-01", "--to", "2028-01-01", "--join-until", "2026-11-21T00:00:00Z"),
    *("--offers-until", "2026-11-22T00:00:00Z", "--open-until", "2026-11-23T00:00:00Z"),
    *("--votes-until", "2026-11-24T00:00:00Z"),
)


class Group:
    """A workspace whose clock a test sets, with a key file for each of three members."""

    def __init__(self, workspace, folder, monkeypatch):
        self.workspace, self.folder, self.keys = workspace, folder, {}
        monkeypatch.setattr(commands, "opened", lambda _runtime: self.workspace)
        self.day(0)
        for number in (ANNA, JAN, OLA):
            self.keys[number] = ec.generate_private_key(ec.SECP256R1())
            party = contract_party(number, subject=operator_subject())
            register_party_key(self.workspace, party=party, key=self.keys[number], device="phone")
            self.path(f"{number}.pem").write_bytes(
                self.keys[number].private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )

    def path(self, name):
        return self.folder / name

    def day(self, days):
        """Set the clock: joining on day 0, offers on 1, opening on 2, votes on 3, over on 4."""
        self.workspace = replace(self.workspace, now=lambda: BEGIN + timedelta(days=days, hours=1))

    def run(self, *words, code=0):
        obj = Runtime(prepare=lambda _folder: None)
        command = ["-w", str(self.workspace.root), "--language", "en", "purchase", *map(str, words)]
        result = CliRunner().invoke(cli, command, obj=obj)
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout if code in {0, 3} else result.stderr

    def read(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code))

    def join(self, number, *more, code=0, key=""):
        return self.run("join", CODE, "--member", number, "--key", self.path(f"{key or number}.pem"), *more, code=code)

    def vote(self, number, supplier, code=0):
        return self.run(
            "vote", CODE, "--member", number, "--supplier", supplier, "--key", self.path(f"{number}.pem"), code=code
        )

    def seal(self, supplier, text):
        self.path(f"{supplier}.toml").write_text(text, encoding="utf-8")
        output = self.path(f"{supplier}.json")
        said = self.run("seal", CODE, self.path(f"{supplier}.toml"), "--supplier", supplier, "--output", output)
        return said.strip()


@pytest.fixture
def group(at_stage, tmp_path, monkeypatch):
    return Group(at_stage("closed"), tmp_path, monkeypatch)


def test_a_group_buys_and_every_step_can_be_checked(group):
    assert "purchase.terms" in group.run("open", "Grupa 2027", *OPENING, code=4)
    group.run("open", CODE, *OPENING)
    assert "purchase.done_before" in group.run("open", CODE, *OPENING, code=4)

    _joined(group)

    # offers: sealed, on time, never another one
    group.day(1)
    assert "purchase.not_now" in group.join(OLA, "--ceiling", 700, code=4)
    shown = group.read("show", CODE)
    assert (shown["stage"], shown["members"]) == ("offers", 3)
    volume = shown["volume_wh"]
    october = group.workspace.series.read(point=POINTS[2].code, channel="1.29.0", month=Month(2026, 10))
    assert volume == 6_000_000 + int(october.wh.sum()) * 365 // 31
    assert sum(shown["hours_wh"]) == volume
    cheap, dear = group.seal(SUPPLIER, 'price = "520.00"\n'), group.seal(COMMUNITY_CODE, 'price = "540.50"\n')
    group.run("offer", CODE, cheap, "--supplier", SUPPLIER)
    group.run("offer", CODE, dear, "--supplier", COMMUNITY_CODE)
    assert "purchase.done_before" in group.run("offer", CODE, "1" * 64, "--supplier", SUPPLIER, code=4)
    assert cheap in group.run("show", CODE)
    assert "520.00" not in group.run("show", CODE)  # with the point, which no digest holds
    assert "520,00" not in group.run("show", CODE)
    assert "purchase.not_now" in group.run("reveal", CODE, group.path(f"{SUPPLIER}.json"), code=4)

    # opening: exactly what was sealed; a late one is refused
    group.day(2)
    assert "purchase.not_now" in group.run("offer", CODE, "2" * 64, "--supplier", ANNA, code=4)
    content = group.path(f"{SUPPLIER}.json").read_text(encoding="utf-8")
    group.path("changed.json").write_text(content.replace("52000000000", "51000000000"), encoding="utf-8")
    assert "purchase.different_offer" in group.run("reveal", CODE, group.path("changed.json"), code=4)
    for supplier in (SUPPLIER, COMMUNITY_CODE):
        group.run("reveal", CODE, group.path(f"{supplier}.json"))
    _compare(group, volume)

    _voted(group, volume)
    _contracts(group)
    _check(group)


def _joined(group):
    """By the own key only, once; one member by a device in two steps, one by the readings."""
    assert "purchase.signature" in group.join(ANNA, "--year-kwh", 2400, "--ceiling", 560, key=JAN, code=4)
    group.join(ANNA, "--year-kwh", 2400, "--ceiling", 560)
    assert "purchase.done_before" in group.join(ANNA, "--year-kwh", 9999, "--ceiling", 560, code=4)
    ask, answer = group.path("ask.json"), group.path("answer.json")
    group.run("join", CODE, "--member", JAN, "--year-kwh", 3600, "--ceiling", 500, "--payload", ask)
    answer.write_bytes(sign(ask.read_bytes(), keys=[group.keys[JAN]]))
    assert "purchase.foreign_document" in group.run("join", CODE, "--member", OLA, "--envelope", answer, code=4), (
        "a declaration is of the member who signed it"
    )
    group.run("join", CODE, "--member", JAN, "--envelope", answer)
    group.join(OLA, "--ceiling", 700)
    assert "purchase.not_now" in group.run("offer", CODE, "0" * 64, "--supplier", SUPPLIER, code=4)


def _voted(group, volume):
    """By volume; Jan's ceiling is passed, so he is out without more."""
    group.day(3)
    assert "purchase.different_offer" in group.vote(ANNA, "nobody", code=4)
    group.vote(ANNA, SUPPLIER)
    assert "purchase.done_before" in group.vote(ANNA, COMMUNITY_CODE, code=4)
    group.vote(JAN, SUPPLIER)
    assert "purchase.not_now" in group.run("result", CODE, code=4)
    group.day(4)
    assert "purchase.not_now" in group.vote(OLA, SUPPLIER, code=4)
    result = group.read("result", CODE)
    assert (result["chosen"], result["stays"], result["out"]) == (SUPPLIER, [ANNA, OLA], [JAN])
    assert (result["voted"], result["weight"]) == (6_000_000, volume)
    assert group.read("result", CODE) == result


def _contracts(group):
    """One for each point of who stays, once."""
    made = [line.split() for line in group.run("contracts", CODE).splitlines()]
    assert [member for member, _, _ in made] == [ANNA, OLA]
    assert group.run("contracts", CODE) == ""
    proposed = {one.name: one for one in contracts(group.workspace, subject=operator_subject())}
    for member, _, name in made:
        assert (proposed[name].status, set(proposed[name].parties)) == ("proposed", {SUPPLIER, member})


def _compare(group, volume):
    """The two prices by plain arithmetic: zł for MWh, members by volume."""
    first, second = group.read("compare", CODE)
    assert (first["supplier"], second["supplier"]) == (SUPPLIER, COMMUNITY_CODE)
    ola = volume - 6_000_000
    for compared, grosz_per_mwh, stays in ((first, 52_000, [True, False, True]), (second, 54_050, [True, False, True])):
        costs = [(2 * wh * grosz_per_mwh + 10**6) // (2 * 10**6) for wh in (2_400_000, 3_600_000, ola)]
        assert [one["cost"]["amount"] for one in compared["members"]] == [f"{one / 100:.2f}" for one in costs]
        assert compared["group"]["amount"] == f"{sum(costs) / 100:.2f}"
        assert [one["stays"] for one in compared["members"]] == stays


def _check(group):
    """Everything holds; a document changed afterwards does not, in the check of the purchase and of the chain."""
    steps = group.read("check", CODE)
    assert [one["step"] for one in steps] == [
        "open", *["join"] * 3, *["offer"] * 2, *["reveal"] * 2, *["vote"] * 2, "result", *["contract"] * 2,
    ]  # fmt: skip
    assert not [one for one in steps if one["faults"]]
    chain = {one.name: one for one in verify_chain(group.workspace, pictures=False)}
    assert chain["commitments against documents"].passed
    name = f"{COMMUNITY_CODE}/{CODE}/join/{ANNA}"
    receipt = prove_document(group.workspace, kind="purchase", natural_id=name, subject=operator_subject())
    payload = check_receipt(receipt, checkpoint_key=checkpoint_verifier(group.workspace)).payload
    assert (payload.kind, payload.commitment) == ("purchase", Commitment.objects.get(natural_id=name).commitment)
    row = Commitment.objects.get(natural_id=f"{COMMUNITY_CODE}/{CODE}/result/")
    row.payload = row.payload.replace(f'"chosen":"{SUPPLIER}"', f'"chosen":"{COMMUNITY_CODE}"')
    row.save()
    faults = {one["step"]: one["faults"] for one in group.read("check", CODE, code=3) if one["faults"]}
    assert faults == {
        "result": ["the document is not the one committed to", "the result does not follow from the documents"]
    }
    chain = {one.name: one for one in verify_chain(group.workspace, pictures=False)}
    assert not chain["commitments against documents"].passed
    erase(group.workspace, kind="purchase", natural_id=name, reason="request-1")
    assert "purchase.erased" in group.run("compare", CODE, code=4)
