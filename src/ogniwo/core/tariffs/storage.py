"""The network charge of an energy storage: charged on what it kept, not on what it gave back.

Source: ENEA 2026 tariff, 3.1.33 and 3.1.36:
O = S_SVn * P_p * K + SUM_m(S_ZVnm * E_pm / SUM(E_pm) * max(E_p - E_w, 0)), K = 1 - min(E_w / E_p, 1).
"""

from ogniwo.core.kernel.quantities import WHOLE, Share
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.tariffs.explain import decimal_text, energy_text
from ogniwo.core.tariffs.lines import RatedPoint
from ogniwo.core.tariffs.model import Sentence
from ogniwo.core.tariffs.parts import Part
from ogniwo.core.tariffs.usage import Base


def storage_fixed_factor(*, taken_wh: int, returned_wh: int) -> Share:
    """K, rounded to hundredths half up; zero when nothing was taken."""
    if taken_wh == 0:
        return Share(0, 100)
    kept_wh = taken_wh - min(returned_wh, taken_wh)
    return Share(divide_half_up(100 * kept_wh, taken_wh), 100)


def storage_variable_share(*, taken_wh: int, returned_wh: int) -> Share:
    """The part of the energy of each zone that is charged: what was kept of what was taken."""
    return Share(max(taken_wh - returned_wh, 0), taken_wh) if taken_wh else Share(0, 1)


def storage_fixed(point: RatedPoint) -> tuple[Share, tuple[Sentence, ...]]:
    """K and its sentence for a storage, a whole and nothing for any other point."""
    returned_wh = point.usage.storage_returned_wh
    if returned_wh is None:
        return WHOLE, ()
    taken_wh = _taken_wh(point)
    factor = storage_fixed_factor(taken_wh=taken_wh, returned_wh=returned_wh)
    sentence = Sentence(
        f"Magazyn energii: pobrano {energy_text(taken_wh)}, oddano {energy_text(returned_wh)}, "
        f"K = {decimal_text(factor.numerator, decimals=2, least=2)} (zaokrąglone do setnych).",
        f"Energy storage: taken {energy_text(taken_wh, 'en')}, given back {energy_text(returned_wh, 'en')}, "
        f"K = {decimal_text(factor.numerator, decimals=2, least=2, language='en')} (rounded to hundredths).",
    )
    return factor, (sentence,)


def storage_variable(point: RatedPoint) -> tuple[Share, tuple[Sentence, ...]]:
    """The charged part of each zone's energy for a storage, a whole and nothing for any other point."""
    returned_wh = point.usage.storage_returned_wh
    if returned_wh is None:
        return WHOLE, ()
    taken_wh = _taken_wh(point)
    kept_wh = max(taken_wh - returned_wh, 0)
    sentence = Sentence(
        f"Magazyn energii: opłata od nadwyżki {energy_text(kept_wh)} pobranej nad oddaną.",
        f"Energy storage: charged on {energy_text(kept_wh, 'en')}, which is more taken than given back.",
    )
    return storage_variable_share(taken_wh=taken_wh, returned_wh=returned_wh), (sentence,)


def _taken_wh(point: RatedPoint) -> int:
    whole = Part(point.first, point.last_exclusive, ())
    return point.usage.total_wh(Base.NETWORK, (whole,))[0]
