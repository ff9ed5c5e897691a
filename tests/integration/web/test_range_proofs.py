"""From a month on the ledger to a bound of it that somebody else checks offline, by the commands."""

import json
import stat

from click.testing import CliRunner

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.ledger.proving import checkpoint_verifier
from ogniwo.services.ledger.queries import minted_days
from ogniwo.services.ledger.verifying import _commitments
from ogniwo.services.workspace.queries import operator_subject

POINT, MONTH = POINTS[0].code, Month(2026, 10)


def run(*arguments, workspace=None, code=0):
    place = ["-w", str(workspace.root)] if workspace else []
    result = CliRunner().invoke(cli, [*place, *map(str, arguments)], obj=Runtime(prepare=lambda _folder: None))
    assert result.exit_code == code, result.output
    return result


def kwh(wh):
    return f"{wh // 1000}.{wh % 1000:03d}"


def test_a_bound_of_a_month_is_proven_without_the_month_and_nothing_else_is(copy_of, tmp_path):
    posted = copy_of("posted")
    opening, proof = tmp_path / "opening.json", tmp_path / "proof.json"
    _a_gap_has_no_figure(posted, opening)
    run("proof", "range", "commit", "--point", POINT, "--month", MONTH, "--output", opening, workspace=posted)
    days = minted_days(posted, point_code=POINT, month=MONTH, subject=operator_subject())
    value = sum(one.energy_wh for one in days if one.channel == "1.29.0")
    assert json.loads(opening.read_text())["value"] == value > 0
    assert stat.S_IMODE(opening.stat().st_mode) == 0o600
    _kept_nothing_secret(posted, opening, value)

    key = checkpoint_verifier(posted)
    verify = ("proof", "range", "verify", proof, "--checkpoint-key", key, "--json")
    for side, true, false in (("--at-least", value, value + 1), ("--at-most", value, value - 1)):
        run("proof", "range", "make", opening, side, kwh(true), "--output", proof)
        claim = json.loads(run(*verify).stdout)
        assert (claim["threshold"], claim["side"], claim["month"]) == (true, side[2:].replace("-", "_"), "2026-10")
        refused = run("proof", "range", "make", opening, side, kwh(false), "--output", proof, code=4)
        assert "range.not_so" in refused.stderr
    _tampered(proof, verify)
    _each_set_once(opening, proof, value)
    compared, findings = _commitments(posted)
    assert (compared > 1, findings) == (True, [])


def _kept_nothing_secret(workspace, opening, value):
    """The issuer keeps neither seed nor value, and the receipt shows neither."""
    secret = json.loads(opening.read_text())
    row = Commitment.objects.get(kind="range")
    assert secret["seed"] not in row.payload
    assert str(value) not in row.payload
    assert row.transaction_id == AuditEvent.objects.get(action="proof.range").facts["transaction"]
    assert secret["seed"] not in json.dumps(secret["receipt"])
    everything = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert secret["seed"].encode() not in everything


def _tampered(proof, verify):
    """A higher bound, another commitment, a changed receipt."""
    good = json.loads(proof.read_text())
    changed = json.loads(proof.read_text())
    changed["proof"]["threshold"] -= 1
    _write(proof, changed)
    assert "range.bad_proof" in run(*verify, code=4).stderr
    changed = json.loads(proof.read_text())
    changed["receipt"]["document"]["content"]["at_most"] = good["receipt"]["document"]["content"]["at_least"]
    _write(proof, changed)
    assert "ledger.bad_receipt" in run(*verify, code=4).stderr
    _write(proof, good)
    run(*verify)


def _write(path, document):
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def _each_set_once(opening, proof, value):
    """Eight thresholds each way, each with its own chains; one proven before takes no new set."""
    make = ("proof", "range", "make", opening, "--output", proof, "--at-least")
    slots = []
    for less in (0, *range(1, 8), 3):
        run(*make, kwh(value - less))
        slots.append(json.loads(proof.read_text())["proof"]["slot"])
    assert slots == [*range(8), 3]
    assert "range.used_up" in run(*make, kwh(value - 8), code=4).stderr


def _a_gap_has_no_figure(workspace, opening):
    commit = ("proof", "range", "commit", "--point", POINT, "--month", "2026-11", "--output", opening)
    assert "range.days_missing" in run(*commit, workspace=workspace, code=4).stderr
    assert not opening.exists()
    assert not Commitment.objects.filter(kind="range").exists()
