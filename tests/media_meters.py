"""A gas meter of a member with states of every kind, and a reading that waits, for tests of pages."""

from ogniwo.records.media.models import MediaStateRow
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.metering.media.model import Typed
from ogniwo.services.metering.media.operations import NewMeter, correct_state, enter_state, register_meter
from ogniwo.services.metering.media.readings import declare_media
from ogniwo.services.workspace.queries import Subject

PARTNER = Subject(f"/platforma/{COMMUNITY_CODE}/")
STATES = (
    ("2026-01-01", "98800", "reading"),
    ("2026-03-31", "99810,5", "reading"),
    ("2026-05-31", "12,25", "rollover"),
    ("2026-06-30", "11", "restart"),
    ("2026-10-31", "1200", "reading"),
)


def gas_meter(workspace, *, member, serial="G-1", medium="gas", unit="m3"):
    """The id of a meter: it passed zero, began anew, was corrected to 1300 in October; 1310 of the member waits."""
    new = NewMeter(serial=serial, unit=unit, decimals="3", digits="5", place="cellar, left", installed_on="2026-01-01")
    meter = register_meter(workspace, subject=PARTNER, member=member, medium=medium, new=new)
    for day, value, kind in STATES:
        enter_state(workspace, subject=PARTNER, meter_id=meter, typed=Typed(day=day, value=value, kind=kind))
    correct_state(
        workspace,
        subject=PARTNER,
        state_id=MediaStateRow.objects.get(meter=meter, day="2026-10-31").pk,
        typed=Typed(day="2026-10-31", value="1300"),
        reason="two digits swapped",
    )
    own = Subject(PARTNER.path, member)
    typed = Typed(day="2026-11-05", value="1310", time="07:30")
    declare_media(workspace, subject=own, meter_id=meter, typed=typed, sure=False, by="member", note="by torchlight")
    return meter
