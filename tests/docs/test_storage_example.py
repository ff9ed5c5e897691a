"""The worked example of docs/storage.md is what the code reckons."""

import re
from pathlib import Path

import numpy as np

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.balancing.provenance import CommunityEnergy, Origin, StorageTerms, trace

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "storage.md").read_text(encoding="utf-8")


def table(header):
    """The rows of the table whose header begins so, as lists of cells."""
    lines = TEXT[TEXT.index(header) :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def test_the_example_is_reckoned_as_written():
    (_, *ids), *hours = table("| hour | plant-a")
    net = np.array([[int(cell) for cell in row[1:]] for row in hours], dtype=np.int64).T.copy()
    taken, given = np.maximum(net, 0), np.maximum(-net, 0)
    shared = allocate(method=SharingMethod.DYNAMIC, need_wh=taken, offer_wh=given, ids=tuple(ids))
    found = trace(
        CommunityEnergy(
            ids=tuple(ids),
            start_epoch_s=[int(row[0]) for row in hours],
            taken=taken,
            given=given,
            community_in=shared.used,
            community_out=shared.supplied,
        ),
        storages=[StorageTerms(point="storage", efficiency_permille=900)],
        states=[],
        origins=dict.fromkeys(ids, Origin.RENEWABLE),
    )
    reckoned = [
        [
            str(one.start_epoch_s),
            one.source.point or str(one.source.origin),
            *(str(wh) for wh in (one.charged_wh, one.out_wh, one.shared_wh, one.lost_wh)),
        ]
        for one in found.movements
    ]
    assert reckoned == table("| hour | source")[1:]
    (state,) = found.states
    said = re.search(
        r"(\d+) Wh of grid energy are carried on\. The settlement counts (\d+) Wh as exchanged: (\d+) direct, (\d+) "
        r"into the storage and (\d+) out of it, of\s+which (\d+) began in the grid\. So (\d+) Wh are shared",
        TEXT,
    )
    (lot,) = state.lots
    received = found.received_wh
    numbers = (lot.wh, found.exchanged_wh, found.direct_wh, found.into_storages_wh, sum(received.values()))
    assert tuple(map(int, said.groups())) == (*numbers, received[Origin.GRID], found.shared_wh)
    assert f"remainder {state.remainder}:" in TEXT
