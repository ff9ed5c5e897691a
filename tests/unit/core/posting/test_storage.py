"""The account of a month's storages: what is the owner's own, a member's part, the digest of the hours, the inputs."""

from dataclasses import replace
from hashlib import sha256

import numpy as np

from ogniwo.core.balancing.provenance import CommunityEnergy, Lot, Origin, Source, StorageState, StorageTerms, trace
from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.posting.storage import (
    StorageInputs,
    member_part,
    members_concerned,
    movement_lines,
    storage_document,
)

LEFT = Source(Origin.RENEWABLE, "old-pv")
INPUTS = StorageInputs(
    community="coop",
    month=Month(2026, 10),
    run_version=3,
    run_digest="ab" * 32,
    before_digest="cd" * 32,
    terms=(StorageTerms(point="battery", efficiency_permille=1000),),
    states=(StorageState(point="battery", lots=(Lot(0, LEFT, 50),)),),
    members={"battery": "1", "pv": "1", "gas": "2", "school": "3", "old-pv": "4"},
    sources={"pv": "pv", "gas": "gas"},
)
IDS = ("battery", "gas", "pv", "school")
NET = np.array([[400, -300], [-100, 0], [-300, 0], [0, 300]], dtype=np.int64)
ENERGY = CommunityEnergy(
    ids=IDS,
    start_epoch_s=[1_790_805_600, 1_790_809_200],
    taken=np.maximum(NET, 0),
    given=np.maximum(-NET, 0),
    community_in=np.maximum(NET, 0),
    community_out=np.maximum(-NET, 0),
)
FOUND = trace(ENERGY, storages=INPUTS.terms, states=INPUTS.states, origins=INPUTS.origins)
DOCUMENT = storage_document(INPUTS, FOUND, version=1)


def test_the_account_tells_own_energy_from_that_of_others_and_names_its_hours():
    rows = [(row["point"], row["member"], row["origin"], row["own"], row["out_wh"]) for row in DOCUMENT["rows"]]
    # of the 300 Wh that come out 50 are of the month before, the rest as 100 to 300 of the hour's lot;
    # 62.5 and 187.5 have equal remainders, and the smaller name gets the Wh
    assert rows == [
        ("gas", "2", "other", False, 63),
        ("old-pv", "4", "renewable", False, 50),
        ("pv", "1", "renewable", True, 187),
    ]
    assert DOCUMENT["totals"]["shared_wh"] == 237
    lines = "".join(movement_lines(FOUND.movements)).encode()
    assert DOCUMENT["movements"] == {"rows": lines.count(b"\n") - 1, "sha256": sha256(lines).hexdigest()}
    assert lines.splitlines()[1] == b"battery,2026-09-30T22:00:00Z,other,gas,100,0,0,0,0,0"
    assert {row["day"] for row in DOCUMENT["days"]} == {"2026-10-01"}
    assert canonical_bytes(DOCUMENT) == canonical_bytes(storage_document(INPUTS, FOUND, version=1))


def test_each_member_gets_what_concerns_him_and_no_other_point():
    assert members_concerned(DOCUMENT) == ("1", "2", "3", "4")
    assert member_part(DOCUMENT, member="5") is None
    owner = member_part(DOCUMENT, member="1")
    assert [row["point"] for row in owner["given"]] == ["pv"]
    (storage,) = owner["storages"]
    assert [(row["origin"], row["own"], row["charged_wh"]) for row in storage["by_origin"]] == [
        ("other", False, 100),
        ("renewable", False, 0),
        ("renewable", True, 300),
    ]
    assert b"gas" not in canonical_bytes(owner)
    (got,) = member_part(DOCUMENT, member="3")["received"]
    assert (got["point"], got["renewable_wh"], got["other_wh"]) == ("school", 237, 63)


def test_whatever_decides_the_numbers_changes_the_digest_of_the_inputs():
    others = (
        replace(INPUTS, run_version=4),
        replace(INPUTS, before_digest=""),
        replace(INPUTS, terms=(StorageTerms(point="battery", efficiency_permille=999),)),
        replace(INPUTS, sources={"pv": "pv", "gas": "biogas"}),
    )
    assert len({INPUTS.digest, *(one.digest for one in others)}) == 5
