"""The story of a contract between two members on the command line, up to evidence that anyone checks offline."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connections

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.signing import key_id, public_key_of
from ogniwo.core.ledger.signing import sign as sign_envelope
from ogniwo.formats.contract_pdf.pades import finish, prepare
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.contracts.models import EContract
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.econtract_parties import contract_party, register_party_key
from ogniwo.services.contracts.queries import community
from ogniwo.services.contracts.sealing import device_signature
from ogniwo.services.ledger import posting
from ogniwo.services.ledger.access import OPERATOR_KEY, frame, key_store, open_ledger, signed, submit
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.ledger.proving import checkpoint_verifier
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace, go_back, kept_place, serve

ROOT = Path(__file__).resolve().parents[2]
CHECKER = ROOT / "docs" / "check_contract.py"
SELLER, BUYER = "SE-021", "SE-004"
TERMS = 'point = "{point}"\nprice = "450.00"\n'
ISSUED = 1_000_000


def _serve(folder):
    """Point Django at the database of a workspace and open it with a clock that ticks."""
    serve(folder)
    seconds = count()
    start = datetime(2026, 11, 6, tzinfo=UTC) + timedelta(hours=folder.name == "copy")
    return open_workspace(root=folder, now=lambda: start + timedelta(seconds=next(seconds)))


@pytest.fixture(scope="module")
def ground(stages, tmp_path_factory):
    """October on the ledger, PLN/2 in the buyer's wallet, a key of each of two members registered: made once."""
    before = kept_place()
    folder = copy_workspace(stages["closed"], tmp_path_factory.mktemp("contracts") / "ground")
    workspace = _serve(folder)
    cooperative = community(code="", subject=operator_subject())
    seller = contract_party(SELLER, subject=operator_subject()).member.points.first()
    with open_ledger(workspace) as ledger:
        ensure_ledger(workspace, ledger, community=cooperative)
        posting._mint_point(workspace, ledger, cooperative, seller, Month(2026, 10), lambda: None)
    keys = {word: ec.generate_private_key(ec.SECP256R1()) for word in (SELLER, BUYER)}
    for word, key in keys.items():
        party = contract_party(word, subject=operator_subject())
        register_party_key(workspace, party=party, key=key, device="phone")
    _issue(workspace, cooperative)
    connections["default"].close()
    yield folder, keys
    go_back(before)


def _issue(workspace, cooperative):
    """Define PLN/2, switch payments on and give the buyer some."""
    operator = cooperative.parent.path.strip("/")
    issuer = f"{cooperative.path.strip('/')}/supply"
    buyer = contract_party(BUYER, subject=operator_subject()).account
    key = key_store(workspace).signing_key(OPERATOR_KEY)

    def given():
        return frame(workspace, account=operator)

    postings = tuple(
        tx.Posting(account=who, amount=sum_, asset="PLN/2") for who, sum_ in ((issuer, -ISSUED), (buyer, ISSUED))
    )
    payloads = [
        tx.DefineAsset(
            **given(), asset="PLN/2", channels=(), domain=operator, issuer=issuer, kind="payment", transferable=True
        ),
        tx.SwitchPayments(**given(), active=True, asset="PLN/2", basis="limited-network", notice="ab" * 32),
        tx.Post(**given(), postings=postings),
    ]
    with open_ledger(workspace) as ledger:
        submit(ledger, [signed(payload, key) for payload in payloads])


class Story:
    """A copy of the ground with a key file for each of two members, spoken to by commands."""

    def __init__(self, workspace, keys, folder):
        self.workspace, self.folder, self.keys = workspace, folder, keys
        self.kids = {word: key_id(public_key_of(key)) for word, key in keys.items()}
        for word, key in keys.items():
            (folder / f"{word}.pem").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        (folder / "terms.toml").write_text(TERMS.format(point=self.point(SELLER)), encoding="utf-8")

    def pem(self, word):
        return str(self.folder / f"{word}.pem")

    @staticmethod
    def point(word):
        return contract_party(word, subject=operator_subject()).member.points.first().code

    def run(self, *arguments, code=0):
        runtime = Runtime(prepare=lambda _: None)
        command = ["-w", str(self.workspace.root), "contract", *map(str, arguments)]
        result = CliRunner().invoke(cli, command, obj=runtime)
        assert result.exit_code == code, (result.output, result.exception)
        return result.output if code else result.stdout

    def draft(self, folder="umowa", *more, template="energy-supply", parameters="terms.toml"):
        output = self.folder / folder
        words = ("--provider", SELLER, "--user", BUYER, "--from", "2026-10-01", "--asset", "PLN/2")
        self.run("draft", template, self.folder / parameters, *words, "--output", output, *more)
        return output / "terms.json"

    def proposed(self, *more):
        return self.run("propose", self.draft("umowa", *more)).strip()

    def sign(self, name, word, *more, code=0):
        return self.run("sign", name, "--party", word, "--key", self.pem(word), *more, code=code)

    def certify(self, word, storage="device"):
        check = ("--method", "in-person", "--checked", "2026-11-05", "--checker", "office-1")
        paper = ("--document-kind", "identity-card", "--key-storage", storage)
        return self.run("certificate", "--party", word, "--kid", self.kids[word], *check, *paper).splitlines()[0]

    def show(self, name, *more, code=0):
        return json.loads(self.run("show", name, "--json", *more, code=code))

    def check(self, pack, *more):
        return subprocess.run(
            [sys.executable, str(CHECKER), str(pack), *more], capture_output=True, text=True, check=False
        )


@pytest.fixture
def story(ground, tmp_path, monkeypatch):
    folder, keys = ground
    workspace = _serve(copy_workspace(folder, tmp_path / "copy"))
    monkeypatch.setattr("ogniwo.interfaces.cli.arguments.open_workspace", lambda *, root: workspace)
    yield Story(workspace, keys, tmp_path)
    connections["default"].close()


@pytest.fixture
def agreed(story):
    """A contract that both have certificates for and have signed, on the ledger and in the PDF."""
    name = story.proposed()
    for word in (SELLER, BUYER):
        story.certify(word)
        story.sign(name, word, "--pdf")
    return name


def test_from_draft_to_settlement_and_evidence(story, agreed, tmp_path):
    assert story.show(agreed[:12])["status"] == "active"
    periods = json.loads(story.run("close-period", agreed, "2026-10", "--json"))
    (period,) = periods
    minted = json.loads(_ledger_tokens(story))
    wh = sum(day["energy_wh"] for day in minted if day["channel"] == "2.29.0")
    assert len({day["day"] for day in minted}) == 31
    assert period["quantity"] == wh > 0
    assert period["amount"] == (2 * wh * 45_000 + 1_000_000) // 2_000_000
    assert (period["posted"], period["shortfall"]) == (period["amount"], 0)
    assert "ledger.period_closed" in story.run("close-period", agreed, "2026-10", code=4)
    _settle(story, period)
    assert _balance(story, SELLER) == period["amount"]
    assert _balance(story, BUYER) == ISSUED - period["amount"]

    pack = tmp_path / "evidence.zip"
    story.run("evidence", agreed, "--output", pack)
    first = pack.read_bytes()
    story.run("evidence", agreed, "--output", pack)
    assert pack.read_bytes() == first
    root = story.workspace.root / "trust" / "przykladowo-ca.pem"
    result = story.check(pack, "--checkpoint-key", checkpoint_verifier(story.workspace), "--root", str(root))
    assert result.returncode == 0, result.stdout + result.stderr
    for sentence in (
        "Terms (energy-supply) and PDF",
        "close_contract_period",
        "Signature on the PDF",
        "Certificate of",
    ):
        assert sentence in result.stdout
    assert result.stdout.count("Signed by") == 2
    assert "note" not in result.stdout


def _ledger_tokens(story):
    runtime = Runtime(prepare=lambda _: None)
    arguments = ["ledger", "tokens", story.point(SELLER), "--month", "2026-10", "--json"]
    result = CliRunner().invoke(cli, ["-w", str(story.workspace.root), *arguments], obj=runtime)
    assert result.exit_code == 0, result.output
    return result.stdout


def _settle(story, period):
    taker = contract_party(SELLER, subject=operator_subject()).account
    payload = tx.Settle(
        **frame(story.workspace, account=taker), amount=period["amount"], final=True, hold=period["holds"][0]
    )
    with open_ledger(story.workspace) as ledger:
        submit(ledger, [signed(payload, story.keys[SELLER])])


def _balance(story, word):
    with open_ledger(story.workspace) as ledger, ledger.reading() as state:
        return state.balance(contract_party(word, subject=operator_subject()).account, "PLN/2")


def _changed(pack, path, change):
    """The pack with one file changed and a manifest that hides it."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[path] = change(files[path])
    manifest = json.loads(files["manifest.json"])
    if path != "manifest.json":
        manifest["files"][path] = hashlib.sha256(files[path]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _flipped(position):
    def change(data):
        place = position if position >= 0 else len(data) + position
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


def _edited(path, value):
    def change(data):
        document = json.loads(data)
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    return change


def test_a_pack_tampered_at_any_element_is_refused(story, agreed, tmp_path):
    pack = tmp_path / "evidence.zip"
    story.run("close-period", agreed, "2026-10")
    story.run("evidence", agreed, "--output", pack)
    whole = pack.read_bytes()
    with zipfile.ZipFile(pack) as archive:
        names = archive.namelist()
    receipts = {name.partition("-")[2].removesuffix(".json"): name for name in names if name.startswith("receipts/")}
    acts = {"propose_contract", "sign_contract", "close_contract_period"}
    assert set(receipts) == {"genesis", "register_key", *acts}
    certificate = next(name for name in names if name.startswith("certificates/") and "root-" not in name)
    assert story.check(pack).returncode == 0
    changes = {
        "terms": ("terms.json", _edited(("terms", "notice_days"), 1), "terms are not those"),
        "salt": ("terms.json", _edited(("salt",), "00" * 16), "terms are not those"),
        "document": ("document.pdf", _flipped(1_000), "PDF is not the one proposed"),
        "signed document": ("document-signed.pdf", _flipped(-20), "byte of the signed PDF"),
        "longer signed document": ("document-signed.pdf", lambda data: data + b"%", "added behind"),
        "checkpoint": ("checkpoint.txt", _flipped(30), ""),
        "outcome": (receipts["sign_contract"], _edited(("entry", "outcome"), "ledger.expired"), "under the checkpoint"),
        "time": (receipts["propose_contract"], _edited(("entry", "time"), 1), "not under the checkpoint"),
        "proof": (receipts["sign_contract"], _edited(("inclusion", 0), "00" * 32), "not under the checkpoint"),
        "signature": (receipts["sign_contract"], _edited(("envelope", "signatures", 0, "signature"), "A" * 86), ""),
        "key": (receipts["register_key"], _edited(("keys", 0, "x"), "A" * 43), "public key"),
        "receipt of a closing": (receipts["close_contract_period"], _edited(("log_index",), 1), "not under"),
        "contract": ("manifest.json", _edited(("contract",), "00" * 32), "KeyError"),
        "manifest": ("manifest.json", _edited(("files", "terms.json"), "00" * 32), "file was changed"),
        "certificate": (certificate, _flipped(200), ""),
    }
    for element, (path, change, why) in changes.items():
        (tmp_path / "bad.zip").write_bytes(_changed(whole, path, change))
        result = story.check(tmp_path / "bad.zip")
        assert result.returncode == 1, f"{element}: {result.stdout}"
        assert "FAILED" in result.stdout, element
        assert why in result.stdout.splitlines()[-1], f"{element}: {result.stdout}"
        assert "Traceback" not in result.stderr, element
    (tmp_path / "bad.zip").write_bytes(whole[:-30])
    assert story.check(tmp_path / "bad.zip").returncode == 1
    assert story.check(pack, "--checkpoint-key", "other+00000000+AQ==").returncode == 1
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(_other_root())
    assert "leads to no root" in story.check(pack, "--root", str(stranger)).stdout


def _other_root():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody else")])
    now = datetime(2026, 11, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=9))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_without_one_partys_receipt_the_pack_proves_no_contract(story, tmp_path):
    name = story.proposed()
    story.sign(name, BUYER)
    story.run("evidence", name, "--output", tmp_path / "half.zip")
    result = story.check(tmp_path / "half.zip")
    assert result.returncode == 1
    assert "not signed by" in result.stdout


def test_a_device_signs_in_two_steps_and_never_shows_its_key(story, tmp_path):
    name = story.proposed()
    asked = tmp_path / "payload.json"
    story.run("sign", name, "--party", BUYER, "--payload", asked)
    envelope = tmp_path / "envelope.json"
    envelope.write_bytes(sign_envelope(asked.read_bytes(), keys=[story.keys[BUYER]]))
    story.run("sign", name, "--party", BUYER, "--envelope", envelope)
    assert story.show(name)["signed_by"] == [BUYER]
    story.certify(BUYER)
    prepared = tmp_path / "prepared.json"
    story.run("seal", name, "--party", BUYER, "--prepare", prepared)
    attributes = base64.b64decode(json.loads(prepared.read_text())["attributes"])
    raw = device_signature(story.keys[BUYER], attributes)
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    wrong = base64.urlsafe_b64encode(device_signature(story.keys[SELLER], attributes)).rstrip(b"=").decode()
    finish = ("seal", name, "--party", BUYER, "--finish", prepared, "--signature")
    assert "econtract.bad_seal" in story.run(*finish, wrong, code=4)
    assert "contract_pdf.signature_form" in story.run(*finish, text[:-3], code=4)
    assert "holds" in story.run(*finish, text)
    assert "holds" in story.run(*finish, text)  # a repeat changes nothing
    record = EContract.objects.get(name=name)
    assert len(record.seals) == 1


def test_the_conditions_of_an_advanced_signature_are_shown_with_what_meets_each(story, tmp_path):
    name = story.proposed()
    story.sign(name, BUYER)
    conditions = story.show(name, "--conditions", code=3)["conditions"]
    assert [(one["letter"], one["met"]) for one in conditions] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("d", True),
    ]
    story.certify(BUYER)
    conditions = story.show(name, "--conditions")["conditions"]
    assert all(one["met"] for one in conditions)
    assert "office-1 (in-person, identity-card)" in conditions[1]["how"]
    story.certify(SELLER, storage="file")
    story.sign(name, SELLER)
    by_letter = {one["letter"]: one for one in story.show(name, "--conditions", code=3)["conditions"][4:]}
    assert [by_letter[letter]["met"] for letter in "abcd"] == [True, True, False, True]


def test_certificates_are_for_own_working_keys_once_and_end_by_revocation(story):
    name = story.proposed()
    foreign = ("--method", "in-person", "--checked", "2026-11-05", "--checker", "x", "--kid", story.kids[SELLER])
    assert "certificate.refused" in story.run("certificate", "--party", BUYER, *foreign, code=4)
    story.certify(BUYER)
    again = ("--method", "in-person", "--checked", "2026-11-05", "--checker", "x", "--kid", story.kids[BUYER])
    assert "certificate.refused" in story.run("certificate", "--party", BUYER, *again, code=4)
    future = ("--method", "in-person", "--checked", "2027-01-01", "--checker", "x", "--kid", story.kids[SELLER])
    assert "certificate.refused" in story.run("certificate", "--party", SELLER, *future, code=4)
    crl = story.folder / "list.crl"
    story.run("certificate", "--party", BUYER, "--revoke", "--crl", crl)
    assert crl.stat().st_size > 100
    assert "ledger.key_not_active" in story.sign(name, BUYER, code=4)
    assert "certificate.not_found" in story.run("seal", name, "--party", BUYER, "--key", story.pem(BUYER), code=5)


def test_withdrawal_termination_amendment_and_erasure(story):
    name = story.proposed()
    assert "econtract_party.not_found" in story.run(
        "withdraw", name, "--party", "SE-999", "--key", story.pem(BUYER), code=5
    )
    story.run("withdraw", name, "--party", SELLER, "--key", story.pem(SELLER))
    assert story.show(name)["status"] == "withdrawn"
    second = story.proposed()
    for word in (SELLER, BUYER):
        story.sign(second, word)
    terms = story.draft("zmiana", "--replaces", second, "--language", "en")
    third = story.run("amend", second, terms).strip()
    for word in (SELLER, BUYER):
        story.sign(third, word)
    assert story.show(second)["successor"] == third
    story.run("terminate", third, "--party", BUYER, "--key", story.pem(BUYER))
    ends = story.show(third)["ends_s"]
    assert ends >= story.workspace.now().timestamp() + 29 * 86_400
    story.run("erase", third, code=2)
    story.run("erase", third, "--yes")
    assert "econtract.erased" in story.run("evidence", third, "--output", story.folder / "x.zip", code=4)
    assert story.show(third)["erased"] is True
    assert len(json.loads(story.run("list", "--json"))) == 3


def test_a_key_is_registered_by_a_command_once(story):
    key = ec.generate_private_key(ec.SECP256R1())
    story.keys["SE-005"] = key
    (story.folder / "SE-005.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    kid = story.run("key", "--party", "SE-005", "--key", story.pem("SE-005")).strip()
    assert kid == key_id(public_key_of(key))
    assert story.run("key", "--party", "SE-005", "--key", story.pem("SE-005")).strip() == kid


def _signed_elsewhere(pdf):
    """The PDF signed with a certificate of somebody else's authority; gives both."""
    key, holder = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("Trust service", "Holder")]
    now = datetime(2026, 11, 1, tzinfo=UTC)
    made = []
    for number, (name, public) in enumerate(zip(names, (key.public_key(), holder.public_key()), strict=True)):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(public)
        builder = builder.serial_number(number + 1).not_valid_before(now).not_valid_after(now + timedelta(days=99))
        builder = builder.add_extension(x509.BasicConstraints(ca=not number, path_length=None), critical=True)
        usage = [bool(number)] * 2 + [False] * 3 + [not number] * 2 + [False] * 2
        builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
        made.append(builder.sign(key, hashes.SHA256()))
    root, certificate = (one.public_bytes(serialization.Encoding.DER) for one in made)
    prepared = prepare(pdf, certificate=certificate, chain=(root,), field="kwalifikowany", name="Holder")
    return finish(prepared, device_signature(holder, prepared.attributes)), made[0]


def test_a_pdf_signed_elsewhere_is_taken_judged_and_recorded(story, tmp_path):
    name = story.proposed()
    pdf = tmp_path / "umowa.pdf"
    story.show(name, "--pdf", pdf)
    signed_pdf, root = _signed_elsewhere(pdf.read_bytes())
    other, _ = _signed_elsewhere((story.folder / "umowa" / "contract.pdf").read_bytes().replace(b"/Lang", b"/lang"))
    file = tmp_path / "signed.pdf"
    file.write_bytes(other)
    assert "contract_pdf.other_document" in story.run("upload", name, file, code=4)
    file.write_bytes(signed_pdf)
    assert "NOT TRUSTED" in story.run("upload", name, file, code=3)
    assert [seal["trusted"] for seal in EContract.objects.get(name=name).seals] == [False]
    trust = story.workspace.root / "trust"
    trust.mkdir(exist_ok=True)
    (trust / "provider.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (seal,) = json.loads(story.run("upload", name, file, "--json"))
    assert (seal["signer"], seal["trusted"], seal["whole"]) == ("Common Name: Holder", True, True)
    story.certify(BUYER)
    story.run("seal", name, "--party", BUYER, "--key", story.pem(BUYER))
    assert [seal["trusted"] for seal in EContract.objects.get(name=name).seals] == [True, True]
    assert "contract_pdf.other_document" in story.run("upload", name, file, code=4)  # it would lose the buyer's


def _verified(story):
    return {check.name: check for check in verify_chain(story.workspace, pictures=False)}


def test_verification_knows_contracts_their_debts_and_identity_checks(story):
    story.certify(BUYER)
    parameters = story.folder / "rent.toml"
    parameters.write_text('storage = "Magazyn"\ncapacity_kwh = "5"\nrent = "49.00"\n', encoding="utf-8")
    terms = story.draft("najem", "--asset", "DUE/2", template="storage-rent", parameters="rent.toml")
    name = story.run("propose", terms).strip()
    for word in (SELLER, BUYER):
        story.sign(name, word)
    (period,) = json.loads(story.run("close-period", name, "2026-10", "--json"))
    assert (period["asset"], period["posted"], period["holds"]) == ("DUE/2", 4_900, [])
    checks = _verified(story)
    links = ("ledger", "commitments against documents", "claims against invoices", "contracts")
    assert {link: checks[link].findings for link in links} == dict.fromkeys(links, ())
    assert checks["contracts"].compared == 1
    record = EContract.objects.get(name=name)
    record.terms = record.terms.replace("4900", "4800")
    record.save()
    (finding,) = _verified(story)["contracts"].findings
    assert finding.code == "verify.contract_changed"


def test_members_see_their_own_contracts_only(story):
    name = story.proposed()
    path = EContract.objects.get(name=name).organisation.path
    seen = {
        number: [one.name for one in EContract.objects.all().visible_to(Subject(path, number))]
        for number in (SELLER, BUYER, "SE-005")
    }
    assert seen == {SELLER: [name], BUYER: [name], "SE-005": []}
    assert not EContract.objects.all().visible_to(Subject("/somebody-else/")).exists()


def test_refused_proposals_leave_nothing_behind(story):
    terms = story.draft()
    data = json.loads(terms.read_bytes())
    data["terms"]["parameters"]["price"] = 1
    terms.write_bytes(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    assert "econtract.terms" in story.run("propose", terms, code=4)
    assert "ledger.unknown_asset" in story.run("propose", story.draft("inna", "--asset", "EUR/2"), code=4)
    assert not EContract.objects.exists()
    assert "econtract.not_found" in story.run("show", "ff", code=5)
