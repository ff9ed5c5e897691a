"""A program reads a point's own attributes; the member whose point it is does not."""

from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.parties.attributes import set_point_attribute
from ogniwo.services.workspace.queries import operator_subject


def test_a_points_own_attributes(writing, program_of, browser):
    workspace = writing("closed")
    code = POINTS[0].code
    set_point_attribute(
        workspace, subject=operator_subject(), code=code, name="Fuse", value="25 A", valid_from="2026-01-01"
    )
    place = f"/organisations/{COMMUNITY_CODE}/points/{code}"
    period = {"valid_from": "2026-01-01", "valid_to": None}
    answer = program_of(workspace).get(place).json()
    assert answer["attributes"] == [{"thing": "point", "of": code, "name": "Fuse", "value": "25 A", **period}]
    assert browser(workspace, Role.MEMBER).get(place).json()["attributes"] == []
