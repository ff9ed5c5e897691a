"""Why this amount: formula, exact value, rates with sources, intervals behind."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from ogniwo.core.billing.explanation import NoSuchLineError, exact_value, explain


def test_a_line_is_walked_back_to_rate_and_intervals(samples):
    invoice = samples.household()
    reason = explain(invoice, 1)
    assert reason.formula == "82,345 kWh × 0,6568 zł/kWh = 54,084196 zł ≈ 54,08 zł"
    assert reason.net_grosz == 5_408
    assert reason.label == "Energia czynna"
    (rate,) = reason.rates
    assert (rate.price, rate.source, rate.confidence) == ("0,6568 zł/kWh", "Cennik sprzedawcy S-2026, p. 2", "1")
    assert (rate.valid_from, rate.valid_to) == (date(2026, 1, 1), None)
    behind = reason.intervals
    assert behind.point == samples.HOUSE
    assert behind.period.start == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert behind.period.end == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert dict(behind.versions)["series 1.29.0"] == "sha256:5f0c2a7e41"
    assert [share.quality for share in behind.quality] == ["measured", "substituted-by-us"]
    assert behind.statement_digest == invoice.points[0].statement_digest


def test_a_prorated_line_shows_its_share_and_an_endless_fraction(samples):
    invoice = samples.school()
    number = next(line.number for line in invoice.lines if line.item.charge == "network.fixed")
    reason = explain(invoice, number, language="en")
    assert reason.formula == "60.000 kW/month × 24.84 zł/kW/month × 14/31 = 673.08387096… zł ≈ 673.08 zł"
    assert reason.label == "Network, fixed"
    assert "half a grosz" in reason.rounding


@pytest.mark.parametrize("name", ["household", "school", "prosumer"])
def test_exact_values_agree_with_fractions(samples, name):
    invoice = getattr(samples, name)()
    for line in (*invoice.lines, *invoice.credits):
        item = line.item
        exact = (
            Fraction(item.quantity, item.rate.per.base_units)
            * Fraction(item.rate.value_e8, 10**8)
            * Fraction(*item.share)
        )
        text = exact_value(item, mark=".")
        shown = Fraction(text.rstrip("…"))
        assert shown == exact if "…" not in text else 0 < exact - shown < Fraction(1, 10**8)


def test_credits_are_explained_too(samples):
    invoice = samples.prosumer()
    assert explain(invoice, 1, credited=True).formula == "402,150 kWh × 0,42 zł/kWh = 168,903 zł ≈ 168,90 zł"
    with pytest.raises(NoSuchLineError):
        explain(invoice, 2, credited=True)
