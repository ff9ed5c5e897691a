"""Acting on the ledger by hand: keys, quorums, proposals and recoveries through the commands, and who sees what."""

import json

import pytest
from click.testing import CliRunner

from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger.access import member_path, open_ledger
from ogniwo.services.ledger.founding import ensure_ledger
from ogniwo.services.ledger.queries import ledger_keys, open_proposals, waiting_recoveries
from ogniwo.services.workspace.queries import operator_subject


@pytest.fixture
def ledger(at_stage):
    """Commands on a workspace whose ledger is founded and has no day of readings yet."""
    workspace = at_stage("registered")
    with open_ledger(workspace) as opened:
        ensure_ledger(workspace, opened, community=community(code=COMMUNITY_CODE, subject=operator_subject()))
    return Commands(workspace)


class Commands:
    """Runs `ogniwo ledger ...`; `do` puts an operation on the ledger by these keys."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.operator = self.keys()[0]["account"].split("/")[0]

    def run(self, *arguments, code=0, given=None):
        result = CliRunner().invoke(
            cli,
            ["-w", str(self.workspace.root), "ledger", *map(str, arguments)],
            obj=Runtime(prepare=lambda _folder: None),
            input=given,
        )
        assert result.exit_code == code, result.output
        return result

    def do(self, operation, *names, code=0):
        options = [part for name in names or ("operator",) for part in ("--key", name)]
        result = self.run("do", "-", "--json", *options, code=code, given=json.dumps(operation))
        return json.loads(result.stdout)

    def keys(self, *account):
        return json.loads(self.run("keys", "--json", *account).stdout)

    def waiting(self):
        return json.loads(self.run("proposals", "--json").stdout)

    def member(self, name, account):
        """Give an account a key of the workspace."""
        self.run("new-key", name)
        fields = {"device": "phone", "purpose": "transaction", "valid_from": 0}
        self.do({"op": "register_key", "subject": account, "key": name, **fields}, "operator", name)


@pytest.fixture
def board(ledger):
    """Two members with keys besides the operator; all three hold every right."""
    members = list(Member.objects.order_by("number")[:3])
    for member, name in zip(members, ("anna", "jan", "eva"), strict=True):
        ledger.member(name, member_path(member))
    for member in members[:2]:
        bind = {"op": "bind_role", "role": "operator", "subject": member_path(member), "valid_from": 0, "valid_to": 0}
        ledger.do(bind | {"subtree": ledger.operator})
    return members


def test_keys_are_made_registered_limited_and_shown(ledger):
    member = Member.objects.order_by("number").first()
    path = member_path(member)
    ledger.member("anna", path)
    limits = [{"asset": "PLN/2", "per_transfer": 1_000, "per_day": 5_000}]
    answer = ledger.do({"op": "set_key_limits", "kid": "anna", "limits": limits}, "anna")
    assert answer["code"] == "accepted"
    (key,) = ledger.keys(path)
    assert (key["device"], key["purpose"], key["standing"]) == ("phone", "transaction", "works")
    assert key["limits"] == [["PLN/2", 1_000, 5_000, 0]]
    assert "PLN/2 1000 5000 0" in ledger.run("keys", path).output
    ledger.do({"op": "set_frozen", "path": path, "frozen": True})
    assert ledger.keys(path)[0]["standing"] == "frozen"
    refused = ledger.do({"op": "set_key_limits", "kid": "anna", "limits": []}, "anna", code=4)
    assert refused["code"] == "ledger.account_frozen"


def test_dangerous_rights_stand_under_a_quorum_and_are_used_by_proposal(ledger, board):
    anna, jan, eva = map(member_path, board)
    options = ("--need", 2, "--veto", eva, "--key", "operator")
    answers = json.loads(ledger.run("quorum", ledger.operator, anna, jan, *options, "--json").stdout)
    assert {answer["code"] for answer in answers} == {"accepted"}
    assert answers[-1]["permission"] == "policy.set"
    (waits,) = ledger.waiting()["proposals"]
    assert (waits["operation"], waits["account"], waits["approved"]) == (
        "set_policy",
        ledger.operator,
        [ledger.operator],
    )
    ledger.do({"op": "approve", "proposal": waits["name"]}, "anna")
    assert not ledger.waiting()["proposals"]

    freeze = {"op": "set_frozen", "path": eva, "frozen": True}
    assert ledger.do(freeze, code=4)["code"] == "ledger.quorum_needed"
    name = ledger.do({"op": "propose", "operation": freeze})["transaction"]
    shown = ledger.run("proposals").output
    assert name in shown
    assert f"account.freeze over {ledger.operator}" in shown
    assert f"may veto   {eva}" in shown
    assert ledger.do({"op": "approve", "proposal": name}, "eva", code=4)["code"] == "ledger.no_voice"
    ledger.do({"op": "veto", "proposal": name}, "eva")
    ledger.do(freeze, "operator", "jan")
    assert ledger.keys(eva)[0]["standing"] == "frozen"
    # Nothing is left to set: all rights have a policy.
    assert json.loads(ledger.run("quorum", anna, "--need", 1, "--key", "operator", "--json").stdout) == []


def test_a_recovery_is_seen_by_its_member_alone(ledger, board):
    anna, _, eva = board
    ledger.run("new-key", "eva-new")
    start = {"op": "start_recovery", "subject": member_path(eva), "key": "eva-new", "device": "new phone"}
    refused = ledger.do(start, "operator", "eva-new", code=4)
    assert refused["code"] == "ledger.second_key_needed"
    ledger.do(start, "operator", "jan", "eva-new")
    (seen,) = ledger.waiting()["recoveries"]
    assert (seen["account"], seen["by"], seen["device"]) == (member_path(eva), ledger.operator, "new phone")
    assert "can be finished from" in ledger.run("proposals").output

    def subject(member):
        return Subject(path=member.organisation.path, member_number=member.number)

    (own,) = waiting_recoveries(ledger.workspace, subject=subject(eva))
    assert own.account == member_path(eva)
    assert waiting_recoveries(ledger.workspace, subject=subject(anna)) == ()
    mine = ledger_keys(ledger.workspace, account="", subject=subject(eva))
    assert {key.account for key in mine} == {member_path(eva)}
    assert ledger_keys(ledger.workspace, account=member_path(anna), subject=subject(eva)) == ()
    ledger.do({"op": "stop_recovery", "subject": member_path(eva)}, "eva")
    assert "nothing waits" in ledger.run("proposals").output


def test_a_member_sees_the_proposals_in_which_he_may_speak(ledger, board):
    anna, jan, eva = board
    ledger.run("quorum", ledger.operator, member_path(anna), "--need", 2, "--key", "operator", "--key", "anna")
    ledger.do({"op": "propose", "operation": {"op": "set_frozen", "path": member_path(eva), "frozen": True}})

    def seen(member):
        return open_proposals(ledger.workspace, subject=Subject(member.organisation.path, member.number))

    assert [one.operation for one in seen(anna)] == ["set_frozen"]
    assert seen(jan) == ()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "a JSON object"),
        (b'{"op":"set_frozen","path":"op","frozen":1}', "Expected `bool`"),
        (b'{"op":"take"}', "Invalid value"),
        (b'{"op":"propose"}', "has an operation"),
        (b'{"op":"set_frozen","path":"op","frozen":true,"x":1}', "unknown field"),
    ],
)
def test_a_file_that_is_no_operation_is_refused(ledger, document, says):
    result = ledger.run("do", "-", "--key", "operator", code=4, given=document)
    assert "ledger.operation_file" in result.output
    assert says in result.output


def test_without_a_ledger_there_is_nothing_to_act_on(at_stage):
    workspace = at_stage("empty")
    for arguments in (("proposals",), ("keys",), ("quorum", "op", "--need", "1", "--key", "x")):
        result = CliRunner().invoke(
            cli, ["-w", str(workspace.root), "ledger", *arguments], obj=Runtime(prepare=lambda _folder: None)
        )
        assert result.exit_code == 5, result.output
