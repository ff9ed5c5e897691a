"""Runs every folder `given_...`: computes all tables from `when/` and compares those that `then/` holds."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.cooperative import PoolLot, member_flows, settle_cooperative_month
from ogniwo.core.settlement.difference import statement_difference
from ogniwo.core.settlement.internal import InternalPrices, settle_internally
from ogniwo.core.settlement.statements import PointMonth, assemble_statements, reconcile, require_agreement
from ogniwo.core.tariffs.model import RateRow

FOLDERS = sorted(Path(__file__).parent.glob("given_*"))
FLOWS = ("community_in_wh", "community_out_wh", "pool_wh", "grid_wh", "surplus_wh")
TOTALS = ("taken_wh", "given_wh", "exchanged_wh", "credited_wh", "settled_wh", "charged_wh")


def table(path):
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


class Case:
    """What `when/` says, and the tables that follow from it."""

    def __init__(self, folder):
        self.rules = {row["name"]: row["value"] for row in table(folder / "when/rules.csv")}
        self.settings = {row["member"]: row for row in table(folder / "when/members.csv")}
        self.energy = table(folder / "when/energy.csv")
        self.correction = table(folder / "when/correction.csv")
        self.pool = [PoolLot(Month.parse(row["month"]), int(row["wh"])) for row in table(folder / "when/pool.csv")]
        self.ids = tuple(dict.fromkeys(row["member"] for row in self.energy))

    def column(self, name):
        if not any(name in row for row in self.settings.values()):
            return None
        return tuple(int(self.settings[member][name]) for member in self.ids)

    def matrices(self, rows):
        hours = tuple(dict.fromkeys(row["hour"] for row in rows))
        taken = np.zeros((len(self.ids), len(hours)), dtype=np.int64)
        given = np.zeros_like(taken)
        for row in rows:
            place = self.ids.index(row["member"]), hours.index(row["hour"])
            taken[place], given[place] = int(row["taken_wh"]), int(row["given_wh"])
        return hours, taken, given

    def tables(self):
        return self.sharing() if self.rules["settlement"] == "sharing" else self.cooperative()

    def sharing(self):
        hours, taken, given = self.matrices(self.energy)
        shared = allocate(
            method=SharingMethod(self.rules["method"]),
            need_wh=taken,
            offer_wh=given,
            ids=self.ids,
            keys=self.column("key"),
            participation_percent=self.column("participation_percent"),
            offer_participation_percent=self.column("offer_participation_percent"),
        )
        names = ("allotted", "used", "rest", "supplied", "surplus")
        shares = [
            {"hour": hour, "member": member}
            | {f"{name}_wh": getattr(shared, name)[row, column] for name in names if getattr(shared, name) is not None}
            for column, hour in enumerate(hours)
            for row, member in enumerate(self.ids)
        ]
        return {"shares": shares}

    def cooperative(self):
        months, statements = self.run(self.energy, version=1)
        replaced = {(row["month"], row["hour"], row["member"]): row for row in self.correction}
        energy = [replaced.get((row["month"], row["hour"], row["member"]), row) for row in self.energy]
        _, corrected = self.run(energy, version=2)
        changes = [statement_difference(old, new) for old, new in zip(statements, corrected, strict=True)]
        return {
            "months": [{"month": one.month} | {name: getattr(one, name) for name in TOTALS} for one in months],
            "pool": [
                {"settled": one.month, "lot": lot.month, "wh": lot.wh, "state": state}
                for one in months
                for lots, state in ((one.expired, "expired"), (one.pool, "carried"))
                for lot in lots
            ],
            "members": [flows_row(one) for one in statements],
            "corrected_members": [flows_row(one) for one in corrected],
            "lines": [line_row(one, line.charge, line) for one in statements for line in (*one.lines, *one.credits)],
            "difference": [
                line_row(change.later, line.key.charge, line)
                for change in changes
                for line in (*change.lines, *change.credits)
            ],
        }

    def run(self, energy, *, version):
        sharing = SharingChoice(method=SharingMethod(self.rules["method"]), keys=self.column("key"))
        months, statements, pool = [], [], self.pool
        for name in dict.fromkeys(row["month"] for row in energy):
            _, taken, given = self.matrices([row for row in energy if row["month"] == name])
            settled = settle_cooperative_month(
                month=Month.parse(name), ids=self.ids, taken=taken, given=given, pool=pool, sharing=sharing
            )
            months.append(settled)
            statements += self.statements(settled, version)
            pool = settled.pool
        return months, statements

    def statements(self, settled, version):
        flows = member_flows(
            settled,
            metered_in_wh=settled.taken.sum(axis=1).tolist(),
            metered_out_wh=settled.given.sum(axis=1).tolist(),
        )
        lines, credit_lines = {}, {}
        if "price_zl_per_mwh" in self.rules:
            internal = settle_internally(
                community_in_wh={one: flow.community_in_wh for one, flow in zip(self.ids, flows, strict=True)},
                community_out_wh={one: flow.community_out_wh for one, flow in zip(self.ids, flows, strict=True)},
                prices=InternalPrices(
                    price=self.rate("price"), fee=self.rate("fee"), vat_rate_percent=23, credit_vat_rate_percent=23
                ),
                first=settled.month.first,
                last_exclusive=settled.month.shifted(1).first,
            )
            lines, credit_lines = internal.lines, internal.credits
        statements = assemble_statements(
            community="scenario",
            month=settled.month,
            version=version,
            points=[
                PointMonth(member=one, point=one, flows=flow, quality=())
                for one, flow in zip(self.ids, flows, strict=True)
            ],
            lines=[lines],
            credit_lines=[credit_lines],
            inputs=(),
        )
        require_agreement(reconcile(statements, cooperative=settled))
        return statements

    def rate(self, name):
        return RateRow(
            key=f"community/{name}",
            rate=Rate.parse(self.rules[f"{name}_zl_per_mwh"], RateUnit.MWH),
            valid_from=date(2020, 1, 1),
            valid_to=None,
            source="scenario",
            checked_on=date(2020, 1, 1),
            confidence="official",
        )


def flows_row(statement):
    values = {name: getattr(statement.flows, name) for name in FLOWS}
    return {"month": statement.month, "member": statement.point} | values


def line_row(statement, charge, line):
    return {
        "month": statement.month,
        "member": statement.point,
        "charge": charge,
        "quantity_wh": line.quantity,
        "net_grosz": line.net_grosz,
    }


def comparable(rows, columns):
    return sorted(tuple(str(row[name]) for name in columns) for row in rows)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder):
    computed = Case(folder).tables()
    expected = sorted((folder / "then").glob("*.csv"))
    assert expected, "a scenario without a result shows nothing"
    for path in expected:
        columns = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert comparable(table(path), columns) == comparable(computed[path.stem], columns), path.name


def test_there_are_scenarios():
    assert len(FOLDERS) >= 10
