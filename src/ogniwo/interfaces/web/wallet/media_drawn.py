"""A member's meters of gas, heat and water as the page of meters shows them: with readings and a picture of the use."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from ogniwo.interfaces.web.context import workspace
from ogniwo.interfaces.web.media_words import unit_word
from ogniwo.interfaces.web.wallet.drawing import Bars, bars
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.media.model import MeterDetails
from ogniwo.services.metering.media.queries import own_media
from ogniwo.services.metering.media.readings import MediaDeclared, declared_media

_USES_SHOWN: Final = 12
_SCALE_E: Final = 3


@dataclass(frozen=True, slots=True)
class OwnMedium:
    """A meter with its newest uses, the last first, their picture (None without use), and the member's readings."""

    details: MeterDetails
    uses: tuple[object, ...]
    chart: Bars | None
    readings: tuple[MediaDeclared, ...]


def media_of(standing: Standing) -> tuple[OwnMedium, ...]:
    """The meters that a wallet shows: those in use first."""
    subject = standing.subject
    found = sorted(own_media(workspace(), subject=subject), key=lambda one: one.meter.removed_on is not None)
    readings = declared_media(subject=subject)
    return tuple(
        OwnMedium(
            details=one,
            uses=one.uses[: -_USES_SHOWN - 1 : -1],
            chart=_chart(one),
            readings=tuple(each for each in readings if each.meter_id == one.meter.meter_id)[:_USES_SHOWN],
        )
        for one in found
    )


def _chart(details: MeterDetails) -> Bars | None:
    """A bar for the use between each two readings, by the day of the later one; `?` where it is not known."""
    newest = details.uses[-_USES_SHOWN:]
    if not newest:
        return None
    return bars(
        [(_("Use between two readings"), [one.use_e3 or 0 for one in newest])],
        [],
        labels=[f"{one.last.day:%m-%d}" for one in newest],
        signs=["?" if one.use_e3 is None else "" for one in newest],
        unit=unit_word(details.meter.unit),
        decimals=_SCALE_E,
    )
